"""A theme in the shape of those that portals have: three patches, one of each kind, malformed as theirs are."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BANNER", "GUIDE", "NAMESPACE", "WELCOME", "pack_portal_theme"]

NAMESPACE = "guac-portal-theme"
WELCOME = """<meta name="replace" content=".login-ui .login-dialog">

<div class="welcome">
    <h1>Welcome to the desktops of Example!</h2>
    <div style="font-size:25pt;">
      <a href="https://portal.example"><img src="app/ext/guac-portal-theme/resources/logo.png" alt="Example logo"/></a>
      <br />
    </div>
    <p style="font-size:12pt;">
        <br />
        Nobody signs in here: open your instance in the portal.
        <br />
    </p>
</div>
"""
BANNER = """<meta name="after" content=".client-view-content">

<div id="help-section" onclick='document.getElementById("help-section").style["height"] = "0";'>
  <p>
    <b>Note:</b> clipboard and files are behind <code>CTRL+ALT+SHIFT</code>.
    <span style="font-size: 12px;float: right;padding: 5px 10px;">Hide this</span>
  </p>
</div>
"""
GUIDE = """<meta name="before" content="#clipboard-settings">

<div class="menu-section">
    <h3>Portal Guide</h3>
    <div class="content">
        <p class="description ng-binding">In a shell, the right button pastes.</p>
        <p class="description ng-binding">More is in the <a href="https://portal.example/guide" target="_blank">guide</a></p>
    </div>
<div>
"""
STYLES = """#help-section {
  background-color: #0971ab;
  color: white;
  font-size: 18px;
  padding-left: 25px;
}

.client-view {
  display: flex;
  flex-direction: column;
}
"""
MANIFEST = {
    "guacamoleVersion": "*",
    "name": "Portal Branding",
    "namespace": NAMESPACE,
    "html": ["html/welcome.html", "html/help.html", "html/guide.html"],
    "css": ["css/portal.css"],
    "resources": {"resources/logo.png": "image/png"},
}


def pack_portal_theme(folder: Path, jar: Path) -> Path:
    """Write the theme's files and pack them with `zip -r`, as its README would say."""
    texts = {
        "guac-manifest.json": json.dumps(MANIFEST, indent=2),
        "README.md": "# A theme",
        "css/portal.css": STYLES,
        "html/welcome.html": WELCOME,
        "html/help.html": BANNER,
        "html/guide.html": GUIDE,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "resources").mkdir(exist_ok=True)
    logo = Image.new("RGB", (304, 96), "white")
    ImageDraw.Draw(logo).ellipse((8, 8, 88, 88), fill="#0971ab")
    logo.save(folder / "resources" / "logo.png")
    names = sorted(path.name for path in folder.iterdir())
    subprocess.run(["zip", "-qr", str(jar), *names], cwd=folder, check=True)
    return jar
