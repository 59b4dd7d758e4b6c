    177 177 a line of text to page through
    178 178 a line of text to page through
    179 179 a line of text to page through
    180 180 a line of text to page through
    181 181 a line of text to page through
    182 182 a line of text to page through
    183 183 a line of text to page through
    184 184 a line of text to page through
    185 185 a line of text to page through
    186 186 a line of text to page through
    187 187 a line of text to page through
    188 188 a line of text to page through
    189 189 a line of text to page through
    190 190 a line of text to page through
    191 191 a line of text to page through
    192 192 a line of text to page through
    193 193 a line of text to page through
    194 194 a line of text to page through
    195 195 a line of text to page through
    196 196 a line of text to page through
    197 197 a line of text to page through
    198 198 a line of text to page through
    199 199 a line of text to page through
:
1 23
