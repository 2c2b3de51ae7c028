"""Checks the HTML page of `profile` in Chromium: it renders everywhere, logs nothing and requests nothing.

Usage: profile_page.py BINARY [--write | --pictures FOLDER]. `--write` renews docs/profile.png; `--pictures` writes one picture
of each screen, to be looked at.
"""

import os
import subprocess
import sys
import tempfile

from chromium import Browser

PICTURE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs/profile.png")
WIDTHS = [360, 800, 1400]

# A header that tries to load a picture and run a script, and a long one without a space.
HOSTILE = '<img src=https://example.com/x onerror=alert(1)>,"<script>alert(1)</script>",' + "w" * 300 + ",😊 李\n"
HOSTILE += "<b>,\"<script>alert(2)</script>\",https://example.com/y," + "v" * 5000 + "\n"

# What the page looks like to the browser: the widest overflow in pixels, the columns, charts and bars, and the contrast of
# the text.
MEASURE = """(() => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
      .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? background(element.parentElement) : colour;
  };
  const contrast = (element) => {
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(background(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const texts = [...document.querySelectorAll("h1, h2, p, code, .tag, .rule, .reason, .header, .figure, figcaption, dd, footer")];
  const bars = [...document.querySelectorAll("svg.bars rect.bar")];
  return {
    overflow: document.documentElement.scrollWidth - innerWidth,
    columns: document.querySelectorAll("tbody tr").length,
    charts: document.querySelectorAll("svg").length,
    flat: bars.filter((bar) => bar.getBoundingClientRect().height < 0.5).length,
    scripts: document.querySelectorAll("script, img, iframe, link").length,
    contrast: Math.min(...texts.map(contrast)),
    background: getComputedStyle(document.body).backgroundColor,
    table: getComputedStyle(document.querySelector("tbody tr")).display,
    opens: [...document.querySelectorAll("nav a")].every((a) => document.getElementById(a.hash.slice(1))),
  };
})()"""


def page(tap, folder, name, *options):
    """Writes a page of the sandbox's data and returns its path."""
    path = os.path.join(folder, name + ".html")
    with open(path, "wb") as file:
        subprocess.run([tap, "profile", "--format", "html", *options], stdout=file, stderr=subprocess.DEVNULL, check=True)
    return path


def hostile_page(tap, folder):
    """The page of a report whose header and cells try to inject HTML, with the cells shown."""
    csv = os.path.join(folder, "hostile.csv")
    with open(csv, "w", encoding="utf-8") as file:
        file.write(HOSTILE)
    server = subprocess.Popen(
        [tap, "sandbox", "--interval", "0.05", "--fault", f"csv-file={csv}"], stderr=subprocess.PIPE, text=True
    )
    try:
        line = server.stderr.readline()
        config = os.path.join(folder, "config.json")
        with open(config, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(line[line.index("{"):].replace("{", '{"state_dir": "%s", ' % os.path.join(folder, "state"), 1))
        return page(tap, folder, "hostile", "--config", config, "--assume-idle", "--values")
    finally:
        server.kill()
        server.wait()


def check(browser, path, width, dark, columns):
    browser.open(path, width, dark)
    found = browser.evaluate(MEASURE)
    screen = f"{os.path.basename(path)}, {width} px, {'dark' if dark else 'light'}"
    assert browser.requests() == [f"file://{path}"], (screen, browser.requests())
    assert browser.errors() == [], (screen, browser.errors())
    assert found["overflow"] <= 0, (screen, "the page is wider than the screen", found)
    assert found["columns"] == columns and found["charts"] >= columns, (screen, found)
    assert found["flat"] == 0 and found["scripts"] == 0 and found["opens"], (screen, found)
    assert found["contrast"] >= 4.5, (screen, "the contrast of a text is below WCAG AA", found)
    assert found["table"] == ("table-row" if width > 1200 else "grid"), (screen, found)
    print(f"{screen}: {found['columns']} columns, {found['charts']} charts, contrast {found['contrast']:.1f}")
    return found["background"]


def main():
    tap, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        rows = ["--sandbox", "--rows", "2000"]
        pages = [(page(tap, folder, "plain", *rows), 61), (page(tap, folder, "values", "--values", *rows), 61)]
        pages.append((hostile_page(tap, folder), 12))
        for path, columns in pages:
            for width in WIDTHS:
                backgrounds = [check(browser, path, width, dark, columns) for dark in (False, True)]
                assert backgrounds[0] != backgrounds[1], "dark looks like light"
                if "--pictures" in options:
                    for dark in (False, True):
                        browser.open(path, width, dark)
                        name = f"{os.path.basename(path)[:-5]}-{width}-{'dark' if dark else 'light'}.png"
                        browser.screenshot(os.path.join(options[options.index("--pictures") + 1], name))
        if "--write" in options:
            browser.open(pages[0][0], 1280, False, 830)
            browser.screenshot(PICTURE, whole=False)


main()
