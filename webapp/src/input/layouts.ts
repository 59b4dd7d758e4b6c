/** Layouts of the drawn keyboard: rows of keys, each key its characters plain, with Shift and with AltGr. */

export interface Layout {
  name: string;
  /** Languages whose people expect it first. */
  languages: readonly string[];
  rows: readonly string[];
}

export const LAYOUTS: Record<string, Layout> = {
  "en-us-qwerty": {
    name: "English (US)",
    languages: ["en"],
    rows: [
      "`~ 1! 2@ 3# 4$ 5% 6^ 7& 8* 9( 0) -_ =+",
      "qQ wW eE rR tT yY uU iI oO pP [{ ]} \\|",
      "aA sS dD fF gG hH jJ kK lL ;: '\"",
      "zZ xX cC vV bB nN mM ,< .> /?",
    ],
  },
  "de-de-qwertz": {
    name: "Deutsch",
    languages: ["de"],
    rows: [
      '^° 1! 2"² 3§³ 4$ 5% 6& 7/{ 8([ 9)] 0=} ß?\\ ´`',
      "qQ@ wW eE€ rR tT zZ uU iI oO pP üÜ +*~",
      "aA sS dD fF gG hH jJ kK lL öÖ äÄ #'",
      "<>| yY xX cC vV bB nN mMµ ,; .: -_",
    ],
  },
  "fr-fr-azerty": {
    name: "Français",
    languages: ["fr"],
    rows: [
      "² &1 é2~ \"3# '4{ (5[ -6| è7` _8\\ ç9^ à0@ )°] =+}",
      "aA zZ eE€ rR tT yY uU iI oO pP ^¨ $£¤",
      "qQ sS dD fF gG hH jJ kK lL mM ù% *µ",
      "<> wW xX cC vV bB nN ,? ;. :/ !§",
    ],
  },
};

/** The layout that people of a language expect. */
export function layoutFor(language: string): string {
  const found = Object.entries(LAYOUTS).find(([, layout]) => layout.languages.includes(language));
  return found?.[0] ?? "en-us-qwerty";
}
