# SPDX-License-Identifier: GPL-2.0-only
"""Opens pages of kshim in headless Chromium.

    page.py check JSON       runs what the file asks for, a list of {"page": FILE, "run": [NAME...]}, and
                             prints an object for each: name -> [] or what is wrong, a line each
    page.py shot PAGE OUT WIDTH   writes OUT-WIDTH-light.png and OUT-WIDTH-dark.png

One browser opens all pages of a run.
"""
import json
import os
import sys
import time

from axe_selenium_python import Axe
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

WIDE, NARROW = 1300, 380
THEMES = ("light", "dark")


class Page:
    """A page in the browser, and what of it is wrong."""

    def __init__(self, driver, path):
        self.driver = driver
        self.url = "file://" + os.path.abspath(path)
        self.path = path
        self.wrong = []

    def open(self, width=WIDE, theme="light", media="screen"):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.media(theme, media)
        self.driver.get(self.url)

    def media(self, theme, media="screen"):
        self.command("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": theme}])

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        found = self.all(selector)
        if not found:
            raise AssertionError(f"no {selector}")
        return found[0]

    def seen(self, selector):
        return [each for each in self.all(selector) if each.is_displayed()]

    def keys(self, *keys):
        chain = ActionChains(self.driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def focused(self):
        return self.driver.switch_to.active_element

    def expect(self, holds, words):
        if not holds:
            self.wrong.append(words)

    def equal(self, got, wanted, words):
        self.expect(got == wanted, f"{words}: {got!r}, not {wanted!r}")

    def wait(self, condition, words):
        until = time.time() + 5
        while time.time() < until:
            if condition():
                return
            time.sleep(0.02)
        self.wrong.append(words)

    def unfolded(self, most=1000):
        """Opens everything, as a reader would who wants all; of what is alike, at most so many."""
        self.js(
            "const seen = {}; for (const each of document.querySelectorAll('details')) {"
            " if (each.className) seen[each.className] = (seen[each.className] ?? 0) + 1;"
            " each.open = !each.className || seen[each.className] <= arguments[0]; }",
            most,
        )
        self.wait(
            lambda: self.js(
                "return [...document.querySelectorAll('.finding, .covered, .group')].filter((each) => each.open)"
                ".every((each) => (each.querySelector('.body')?.childElementCount ?? 0) > 0)"
            ),
            "something that is opened stays empty",
        )
        for cell in self.js("return [...document.querySelectorAll('.matrix tr.row')].map((row) => row.querySelector('.cell')).filter(Boolean)"):
            self.js("arguments[0].click()", cell)


# What is looked at, by name.


def console(page):
    """Nobody complains, and nothing but the page is asked for."""
    page.driver.get_log("browser")
    page.open()
    page.unfolded()
    for entry in page.driver.get_log("browser"):
        page.wrong.append(f"{entry['level']}: {entry['message']}")
    asked = page.js("return performance.getEntriesByType('resource').map((each) => each.name)")
    page.equal(asked, [], "the page asks for more")


def axe(page, looks=((WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark"))):
    """axe-core finds nothing serious, in both themes and widths, with some of each kind opened."""
    for width, theme_name in looks:
        page.open(width, theme_name)
        page.unfolded(most=4)
        tool = Axe(page.driver)
        tool.inject()
        result = tool.run(options={"resultTypes": ["violations"]})
        page.expect(len(result["passes"]) > 10, "axe-core looked at little")
        for violation in result["violations"]:
            if violation["impact"] in ("serious", "critical"):
                where = "; ".join(f"{node['target']} {node['failureSummary']}" for node in violation["nodes"][:3])
                page.wrong.append(f"{width} {theme_name}: {violation['id']}: {violation['help']}: {where}")


def axe_twice(page):
    """The same of a long page, which takes its time."""
    axe(page, ((WIDE, "light"), (NARROW, "dark")))


def narrow(page):
    """At 380 pixels the page does not scroll sideways."""
    for width in (NARROW, WIDE):
        page.open(width)
        page.unfolded()
        inner, outer = page.js("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        if inner > outer:
            culprits = page.js(
                "return [...document.querySelectorAll('body *')].filter((each) => !each.closest('.scroll *, .command *') &&"
                " each.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map((each) => each.outerHTML.slice(0, 120))"
            )
            page.wrong.append(f"{width}: {inner} wide in {outer}: {culprits}")


def shown(page):
    return [each.get_attribute("id") for each in page.seen(".finding, .matrix tr.row")]


def filters(page):
    """Each filter by mouse and by keyboard, and what it says."""
    page.open()
    page.js("for (const each of document.querySelectorAll('.step')) each.open = true")
    everything = shown(page)
    for name in ("function", "property", "kind"):
        select = page.one(f"#filter-{name}")
        if not select.is_displayed():
            continue
        options = [each.get_attribute("value") for each in Select(select).options]
        parts = []
        for value in options[1:]:
            Select(select).select_by_value(value)
            some = shown(page)
            page.expect(0 < len(some) < len(everything), f"{name} {value} shows {len(some)} of {len(everything)}")
            page.expect(page.one("#filter-count").text.startswith(f"{len(some)} of "), f"{name} {value} is not told")
            parts += some
        page.equal(sorted(parts), sorted(everything), f"the values of {name} are not all")
        Select(select).select_by_index(0)
        # By keyboard: the first value is one step below.
        select.send_keys(Keys.DOWN)
        page.wait(lambda: len(shown(page)) < len(everything), f"{name} does not work by keyboard")
        page.one("#filter button[type=reset]").click()
        page.wait(lambda: shown(page) == everything, f"reset leaves {name}")
    word = page.js("return document.querySelector('.finding summary > code, .matrix tr.row .property').textContent")
    page.js("document.activeElement.blur()")
    page.keys("/")
    page.equal(page.focused().get_attribute("id"), "filter-text", "/ does not lead to the filter")
    page.keys("nothing-has-this")
    page.wait(lambda: shown(page) == [], "words do not filter")
    page.expect(bool(page.seen("#none")), "that nothing passes is not told")
    page.keys(Keys.ESCAPE)
    page.wait(lambda: shown(page) == everything, "Escape does not empty the filter")
    page.keys(word)
    page.wait(lambda: 0 < len(shown(page)), f"'{word}' is not found")
    page.keys(Keys.ARROW_DOWN)
    page.expect(page.focused().tag_name in ("summary", "button"), "the arrow does not lead to a finding")
    page.one("#filter button[type=reset]").click()
    page.wait(lambda: shown(page) == everything, "reset leaves words")


def opening(page):
    """Items open and close by mouse and by keyboard; j, k and arrows move; the focus is seen."""
    page.open()
    page.js("for (const each of document.querySelectorAll('.finding, .group')) each.open = false; document.activeElement.blur()")
    page.keys("j")
    first = page.focused()
    page.expect("item" in (first.get_attribute("class") or "") or "cell" in (first.get_attribute("class") or ""), "j does not lead to an item")
    page.keys("j")
    second = page.focused()
    page.expect(second != first, "j does not move")
    page.keys("k")
    page.equal(page.focused(), first, "k does not move back")
    page.keys(Keys.ARROW_DOWN)
    page.equal(page.focused(), second, "the arrow does not move")
    page.keys(Keys.ARROW_UP)
    page.equal(page.focused(), first, "the arrow does not move back")
    outline = page.js("const style = getComputedStyle(document.activeElement); return [style.outlineStyle, parseFloat(style.outlineWidth)]")
    page.expect(outline[0] != "none" and outline[1] >= 2, f"the focus is not seen: {outline}")
    for item in page.all("details.finding, details.group, details.covered")[:4]:
        summary = item.find_element(By.CSS_SELECTOR, "summary")
        if not summary.is_displayed():
            continue
        for by, act in (("mouse", summary.click), ("keyboard", lambda: summary.send_keys(Keys.ENTER))):
            before = item.get_attribute("open") is not None
            act()
            page.wait(lambda: (item.get_attribute("open") is not None) != before, f"{summary.text!r} does not open by {by}")
    for link in page.all(".steps a.item"):
        target = link.get_attribute("href").split("#")[1]
        link.send_keys(Keys.ENTER)
        page.wait(lambda: page.one(f"#{target}").get_attribute("open") is not None, f"the row does not open {target}")


def keys(page):
    """The keys are shown, and put away."""
    page.open()
    dialog = page.one("#keys")
    page.keys("?")
    page.expect(dialog.is_displayed(), "? does not show the keys")
    page.keys(Keys.ESCAPE)
    page.expect(not dialog.is_displayed(), "Escape leaves the keys")
    page.one("#keys-open").click()
    page.expect(dialog.is_displayed(), "the button does not show the keys")
    dialog.find_element(By.TAG_NAME, "button").click()
    page.expect(not dialog.is_displayed(), "the button leaves the keys")


def theme(page):
    """The toggle goes from the system's theme to light and dark, and back."""
    ground = "return getComputedStyle(document.body).backgroundColor"
    page.open(theme="dark")
    dark = page.js(ground)
    page.open(theme="light")
    light = page.js(ground)
    page.expect(light != dark, "light is dark")
    button = page.one("#theme")
    for step, wanted in (("light", light), ("dark", dark), ("system", light)):
        button.click()
        page.equal(page.js(ground), wanted, f"{step} by mouse")
        page.expect(step in button.text, f"{step} is not told")
    page.js("document.activeElement.blur()")
    page.keys("t", "t")
    page.equal(page.js(ground), dark, "dark by keyboard")
    page.driver.refresh()
    page.equal(page.js(ground), dark, "the choice is forgotten")
    page.keys("t")


def copying(page):
    """The replay command is copied by mouse and by keyboard."""
    page.open()
    page.js("document.querySelector('.finding').open = true")
    page.wait(lambda: page.seen(".copy"), "no button to copy")
    button = page.seen(".copy")[0]
    words = button.find_element(By.XPATH, "..").find_element(By.TAG_NAME, "code").text
    page.expect(words.startswith("kshim replay "), f"no command: {words}")
    page.js("const field = document.createElement('textarea'); field.id = 'pasted'; document.querySelector('footer').append(field)")
    field = page.one("#pasted")
    for by, act in (("mouse", button.click), ("keyboard", lambda: button.send_keys(Keys.ENTER))):
        act()
        page.wait(lambda: button.text == "Copied", f"not copied by {by}: {button.text}")
        field.send_keys(Keys.CONTROL, "v")
        page.equal(field.get_attribute("value"), words, f"copied by {by}")
        field.clear()
        page.wait(lambda: button.text == "Copy", "the button keeps saying so")


def events(page):
    """An event highlights its line, a line its event, by mouse and by keyboard."""
    page.open()
    page.js("document.querySelector('.finding').open = true")
    page.wait(lambda: page.seen(".finding .event button"), "no events")
    for by in ("mouse", "keyboard"):
        for button in page.seen(".finding .event button[data-line]"):
            line = button.get_attribute("data-line")
            rows = page.all(f".finding[open] .source tr[data-line='{line}']")
            button.click() if by == "mouse" else button.send_keys(Keys.ENTER)
            page.equal(button.get_attribute("aria-pressed"), "true", f"event of line {line} by {by}")
            for row in rows:
                page.expect("chosen" in row.get_attribute("class"), f"line {line} is not highlighted by {by}")
            page.equal(len(page.seen(".finding[open] .event button.chosen")), 1, "events chosen")
        for button in page.seen(".finding[open] .source button.line"):
            line = button.text
            button.click() if by == "mouse" else button.send_keys(Keys.ENTER)
            chosen = page.seen(".finding[open] .event button.chosen")
            page.equal([each.get_attribute("data-line") for each in chosen], [line], f"the event of line {line} by {by}")


def matrix(page):
    """Cells open by mouse and by keyboard, one in a row at a time, with what they are about."""
    page.open()
    for row in page.all(".matrix tr.row"):
        number = row.get_attribute("id")[1:]
        for button in row.find_elements(By.CSS_SELECTOR, ".cell"):
            for by, act in (("mouse", button.click), ("keyboard", lambda: button.send_keys(Keys.ENTER))):
                act()
                panel = page.seen(f"#cell-{number}")
                page.equal(len(panel), 1, f"{button.get_attribute('aria-label')} opens by {by}")
                page.equal(button.get_attribute("aria-expanded"), "true", "expanded")
                line = button.find_element(By.TAG_NAME, "small").text.replace("line ", "")
                page.expect(bool(panel) and f":{line}" in panel[0].text if line else True, f"no line {line} in the panel")
                act()
                page.equal(len(page.seen(f"#cell-{number}")), 0, f"{button.get_attribute('aria-label')} closes by {by}")
    for button in page.seen("button.introduced"):
        button.click()
    page.expect(
        not page.all("button.introduced") or bool(page.seen(".opened-cell .two tbody tr")),
        "no traces beside each other",
    )


def beside(page):
    """Each difference of two neighbours has both traces, and where they are the same it says so."""
    page.open()
    page.unfolded()
    for group in page.all(".group"):
        differs = bool(group.find_elements(By.CSS_SELECTOR, ".two tr.differs"))
        page.expect(bool(group.find_elements(By.CSS_SELECTOR, ".two tbody tr")), "no traces")
        page.expect(differs != bool(group.find_elements(By.CSS_SELECTOR, "p.same")), "what differs is not told")


def source(page):
    """Each finding with a source shows its line, with the message beneath, and the lines that were run."""
    page.open()
    page.unfolded()
    seen = page.js(
        "return data.findings.map((it, number) => { const element = document.getElementById(`f${number}`);"
        " const row = element.querySelector('.source tr.wrong');"
        " return {line: it.line, has: Boolean(element.querySelector('.source')), wrong: row && row.dataset.line,"
        " message: row && row.nextElementSibling.textContent.includes('^ ' + text(it.message)),"
        " run: element.querySelectorAll('.source tr.run .sign span, .source tr.wrong.run .sign span').length,"
        " executed: it.executed !== undefined}; })"
    )
    page.expect(any(each["wrong"] for each in seen), "no finding shows where it goes wrong")
    for each in seen:
        if each["wrong"]:
            page.equal(each["wrong"], str(each["line"]), "the line that is marked")
            page.expect(each["message"], f"no message beneath line {each['line']}")
        if each["has"] and each["executed"]:
            page.expect(each["run"] > 0, f"no line is marked as run for line {each['line']}")


def covered(page):
    """Functions line by line: what was never run stands out by a sign."""
    page.open()
    page.unfolded()
    page.expect(bool(page.all(".covered")), "no coverage")
    counts = page.js(
        "return [...document.querySelectorAll('.covered')].map((each) => ({never: each.querySelectorAll('tr.never').length,"
        " signs: each.querySelectorAll('tr.never .sign span').length, run: each.querySelectorAll('tr.run').length,"
        " meter: [each.querySelector('meter').value, each.querySelector('meter').max]}))"
    )
    for each in counts:
        page.equal(each["signs"], each["never"], "signs of lines never run")
        page.equal(each["meter"], [each["run"], each["run"] + each["never"]], "lines run")


def picture(page):
    """The picture of what is broken differs from the mended one, in signs and words."""
    page.open()
    page.unfolded()
    pictures = page.js(
        "return [...document.querySelectorAll('.beside')].map((each) => [...each.querySelectorAll('svg')].map((svg) => ({"
        " role: svg.getAttribute('role'), off: svg.querySelectorAll('.off').length, signs: svg.textContent.split('✕').length - 1,"
        " title: svg.querySelector('title').textContent, desc: svg.querySelector('desc').textContent,"
        " boxes: [...svg.querySelectorAll('[data-box]')].map((box) => box.dataset.box + box.textContent),"
        " arrows: svg.querySelectorAll('path.arrow').length, changed: svg.querySelectorAll('.changed').length})))"
    )
    page.expect(any(len(each) == 2 for each in pictures), "no picture of both")
    for pair in pictures:
        broken = pair[-1]
        page.equal(broken["role"], "img", "role")
        page.expect(broken["off"] > 0 and broken["signs"] > 0, "nothing stands out in the broken picture")
        page.expect("wrong" in broken["desc"].lower(), "the words do not say what is wrong")
        if len(pair) == 2:
            mended = pair[0]
            page.expect(mended["signs"] < broken["signs"], "the mended picture is as wrong")
            page.expect(mended["boxes"] != broken["boxes"] or mended["arrows"] != broken["arrows"], "both pictures are the same")


def lanes(page):
    """Two threads have two lanes."""
    page.open()
    page.unfolded()
    page.expect(bool(page.all(".lanes .first")) and bool(page.all(".lanes .second")), "no two lanes")
    left, right = (page.one(f".lanes .{name}").rect["x"] for name in ("first", "second"))
    page.expect(right > left + 50, "both lanes are at one place")


def printing(page):
    """In print all is open, and no control is there."""
    page.open()
    page.media("light", "print")
    page.wait(lambda: page.js("return [...document.querySelectorAll('details')].every((each) => each.open)"), "something is closed in print")
    page.expect(not page.seen("#filter, #theme, #keys-open, .copy"), "a control is printed")
    page.expect(len(page.command("Page.printToPDF")["data"]) > 1000, "no PDF")
    page.media("light")
    page.wait(lambda: not page.js("return [...document.querySelectorAll('details')].every((each) => each.open)"), "print leaves all open")


def plain(page):
    """Without JavaScript the verdict and the findings are there."""
    page.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open()
        page.expect(bool(page.seen(".badge")), "no verdict without JavaScript")
        findings = ".finding > summary, .matrix tr.row, .step"
        page.expect(bool(page.seen(findings)) or not page.all(findings), "no findings without JavaScript")
        page.expect(not page.seen("#filter"), "a filter that does nothing")
    finally:
        page.command("Emulation.setScriptExecutionDisabled", value=False)


def big(page):
    """It opens in time, and its filter answers."""
    size = os.path.getsize(page.path)
    page.expect(size < 20_000_000, f"{size} bytes")
    times = []
    page.driver.get_log("browser")
    for _ in range(4):
        page.open()
        times.append(page.js("const all = performance.getEntriesByType('navigation')[0]; return all.loadEventEnd") / 1000)
    # What else the machine does is not the page's.
    page.expect(min(times) < 2, f"opens in {times} s")
    page.equal(page.driver.get_log("browser"), [], "what the browser says")
    count = page.js("return document.querySelectorAll('.finding').length")
    page.expect(count >= 10_000, f"{count} findings")
    began = time.time()
    page.keys("/", "board 7777 ")
    page.wait(lambda: page.one("#filter-count").text.startswith("1 of "), "the filter does not find it")
    page.expect(time.time() - began < 3, f"the filter takes {time.time() - began} s")


def hostile(page):
    """Nothing of a hostile text is run or is an element."""
    page.open()
    page.unfolded()
    page.expect(not page.js("return window.hostile"), "a hostile text was run")
    page.equal(page.js("return document.querySelectorAll('img, iframe, [onerror], [onfocus], [onclick], [style]').length"), 0, "elements of a hostile text")
    page.equal(len(page.all("script")), 2, "scripts")


CHECKS = {each.__name__: each for each in (
    console, axe, axe_twice, narrow, filters, opening, keys, theme, copying, events, matrix, beside, source, covered, picture,
    lanes, printing, plain, big, hostile)}


def browser():
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1300,900", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.set_script_timeout(300)
    return driver


def check(driver, wanted):
    results = []
    for ask in wanted:
        said = {}
        for name in ask["run"]:
            page = Page(driver, ask["page"])
            try:
                CHECKS[name](page)
            except Exception as trouble:  # a check that breaks off is one that fails
                page.wrong.append(f"{type(trouble).__name__}: {str(trouble).splitlines()[0] if str(trouble) else ''}")
            said[name] = page.wrong
        results.append(said)
    print(json.dumps(results, indent=1))


def shot(driver, path, out, width, what=None):
    """Pictures of a page in both themes, or of the first element that a selector names."""
    page = Page(driver, path)
    for theme_name in THEMES:
        page.open(width, theme_name)
        page.wait(lambda: page.js("return document.readyState") == "complete", "the page does not load")
        time.sleep(0.2)
        height = page.js("return document.documentElement.scrollHeight")
        page.command("Emulation.setDeviceMetricsOverride", width=width, height=min(height, 6000), deviceScaleFactor=1, mobile=False)
        name = f"{out}-{width}-{theme_name}.png"
        if what:
            page.one(what).screenshot(name)
        else:
            page.driver.save_screenshot(name)


def main():
    driver = browser()
    try:
        if sys.argv[1] == "shot":
            shot(driver, sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:6])
        else:
            with open(sys.argv[2], encoding="utf-8") as asked:
                check(driver, json.load(asked))
    finally:
        driver.quit()


main()
