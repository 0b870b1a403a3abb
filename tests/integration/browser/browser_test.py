"""A browser clicks through the demo's page, logs in, and is shown hostile values.

Usage: browser_test.py CAROPIG_DEMO SCREENSHOT_FOLDER HOSTILE_SERVER
"""

import base64
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import database_servers  # noqa: E402

from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

DEMO = sys.argv[1]
SCREENSHOTS = pathlib.Path(sys.argv[2])
HOSTILE_SERVER = sys.argv[3]
del sys.argv[1:4]
os.environ["no_proxy"] = "localhost,127.0.0.1"
PATIENCE = 60  # seconds; only a failing test waits that long
TORNADO_SECONDS = 1
DESKTOP = (1280, 900)
PHONE = (390, 844)
CHROMIUM_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
                  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
                  "--disable-features=BackForwardCache")  # a page that was left keeps no request waiting


class Demo:
    """The program, on a port of its own."""

    def __init__(self, *arguments):
        self.folder = tempfile.TemporaryDirectory()
        database = f"sqlite:{self.folder.name}/demo.db"
        command = [DEMO, "--port", "0", "--seconds", str(TORNADO_SECONDS), "--log-level", "warning", "--database", database, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        listening, opening = (self.process.stdout.readline().strip() for _ in range(2))
        self.url = opening.removeprefix("open ")
        if not listening.startswith("listening on "):
            self.stop()
            raise AssertionError(f"the demo printed {listening!r}")

    def stop(self):
        self.process.terminate()
        self.process.stdout.close()
        code = self.process.wait(PATIENCE)
        self.folder.cleanup()
        return code


class Upstream:
    """What /req waits for: it answers when the test says so."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.connections = []

    def accept(self):
        """Waits for the next request: from then on its /req waits at the demo."""
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        self.connections.append(connection)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(4096)

    def answer(self, index, body):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        self.connections[index].sendall(head.encode() + body)

    def closed_by_demo(self, index):
        return self.connections[index].recv(1) == b""

    def close(self):
        for connection in [*self.connections, self.listener]:
            connection.close()


def start_browser(folder):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in CHROMIUM_FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={folder}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class Browser(unittest.TestCase):
    """A browser for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(profile.cleanup)
        cls.browser = start_browser(profile.name)
        cls.addClassCleanup(cls.browser.quit)

    def open(self, demo):
        self.demo = demo
        self.addCleanup(lambda: self.assertEqual(self.demo.stop(), 0))
        # So that the next test finds no connection, no clock and no cookie of this one.
        self.addCleanup(self.browser.get, "about:blank")
        self.addCleanup(self.browser.delete_all_cookies)
        self.browser.get_log("browser")
        self.look(DESKTOP, "light")
        self.browser.get(self.demo.url)

    # What a visitor does and sees.

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """As shown, of one moment: an element that was found may be gone with its page before it is asked."""
        text = self.browser.execute_script("return document.querySelector(arguments[0])?.innerText ?? null", selector)
        if text is None:
            raise NoSuchElementException(selector)
        return text.strip()

    def click(self, selector):
        self.find(selector).click()

    def write(self, selector, text):
        field = self.find(selector)
        field.clear()
        field.send_keys(text)

    def requests(self):
        """(state, label, body) of each row, oldest first; of one moment."""
        return [tuple(row) for row in self.browser.execute_script(
            "return [...document.querySelectorAll('.request')].map((row) => [row.dataset.state,"
            " row.querySelector('.pill').textContent, row.querySelector('.body').textContent])")]

    def wait_until(self, condition, what):
        # While a page gives way to the next, its elements are gone and the others not there yet.
        WebDriverWait(self.browser, PATIENCE, 0.05, (NoSuchElementException, StaleElementReferenceException)).until(
            lambda _: condition(), what)

    def look(self, size, scheme):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme},
                         {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def take_screenshots(self, name):
        for size_name, size in (("desktop", DESKTOP), ("phone", PHONE)):
            for scheme in ("light", "dark"):
                self.look(size, scheme)
                content = self.browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
                self.assertLessEqual(content["width"], size[0], "the page is wider than the window")
                picture = self.browser.execute_cdp_cmd("Page.captureScreenshot", {
                    "captureBeyondViewport": True, "clip": {**content, "scale": 1}})
                (SCREENSHOTS / f"{name}-{size_name}-{scheme}.png").write_bytes(base64.b64decode(picture["data"]))
        self.look(DESKTOP, "light")


class Page(Browser):
    """The start page, systems 1 and 3."""

    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        self.open(Demo("--upstream", self.upstream.url))

    def start_requests(self, count):
        for _ in range(count):
            self.click("#start-req")
            self.upstream.accept()

    def test_lists_three_systems_and_loads_nothing_from_elsewhere(self):
        titles = [title.text for title in self.browser.find_elements(By.CSS_SELECTOR, "main h2")]
        self.assertEqual(titles, ["How Tornado waits without blocking", "The asynchronous database login", "CaroPig itself"])
        self.wait_until(lambda: self.text("#upstream") == self.upstream.url, "the upstream is shown")
        self.wait_until(lambda: self.text("#who-text") == "nobody is logged in", "who is logged in")
        self.assertTrue(self.text("#database").startswith("sqlite "), self.text("#database"))
        self.assertEqual(self.text("#seconds"), "a second")
        loaded = self.browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        self.assertTrue(loaded)
        for address in loaded:
            self.assertTrue(address.startswith(self.demo.url), address)
        self.assertEqual(self.browser.get_log("browser"), [])
        self.take_screenshots("start")

    def test_tornado_waits_while_index_is_answered(self):
        self.click("#ask-tornado")
        self.assertEqual(self.find("#tornado").get_attribute("data-state"), "waiting")
        self.wait_until(lambda: self.find("#tornado").get_attribute("data-state") == "done", "成功")
        self.assertEqual(self.text("#tornado-result"), "成功")
        self.assertGreaterEqual(float(self.text("#tornado-time").removesuffix(" s")), TORNADO_SECONDS)
        # What was answered meanwhile did not wait for it.
        self.assertGreaterEqual(int(self.text("#index-count")), 1)
        slowest = float(self.text("#index-slowest").removesuffix(" ms"))
        self.assertLess(slowest, TORNADO_SECONDS * 1000)
        self.wait_until(lambda: "times" in self.text("#tornado-status"), "the result is announced")
        self.click("#ask-tornado")
        self.wait_until(lambda: self.find("#tornado").get_attribute("data-state") == "waiting", "it can be asked again")

    def test_stop_ends_the_oldest_request(self):
        self.start_requests(3)
        waiting = ("waiting", "waiting", "")
        stopped = ("done", "200", "ok")
        self.assertEqual(self.requests(), [waiting] * 3)
        for ended in range(1, 4):
            self.click("#press-stop")
            self.wait_until(lambda: self.requests() == [stopped] * ended + [waiting] * (3 - ended), f"request {ended} ends")
            self.wait_until(lambda: self.text("#message").startswith("/stop: 200 ok"), "/stop says ok")
            self.assertTrue(self.upstream.closed_by_demo(ended - 1))
            if ended == 1:
                self.take_screenshots("stopped")

        self.click("#press-stop")
        self.wait_until(lambda: self.text("#message").startswith("/stop: 409 nobody is waiting"), "/stop says 409")
        self.take_screenshots("nobody")

    def test_at_most_four_requests_wait_so_that_the_browser_has_connections_left(self):
        self.start_requests(4)
        self.click("#start-req")
        self.wait_until(lambda: self.text("#message").startswith("Four may wait here"), "it says why")
        self.assertEqual(len(self.requests()), 4)
        self.click("#ask-index")
        self.wait_until(lambda: self.text("#message").startswith("/index: 200 ok"), "/index is answered")

    def test_everything_at_once(self):
        self.start_requests(3)
        self.click("#press-stop")
        self.click("#ask-tornado")
        self.wait_until(lambda: int(self.text("#index-count")) >= 2, "/index is answered")
        self.take_screenshots("busy")
        self.wait_until(lambda: "times" in self.text("#tornado-status"), "成功")
        self.take_screenshots("done")

    def test_unknown_path_is_404(self):
        self.click("#missing")
        self.wait_until(lambda: self.browser.current_url.endswith("/nowhere"), "the link was followed")
        self.assertIn("404", self.text("body"))

    def test_answer_of_the_upstream_is_shown(self):
        self.start_requests(2)
        self.upstream.answer(1, b"hello from upstream")
        expected = [("waiting", "waiting", ""), ("done", "200", "hello from upstream")]
        self.wait_until(lambda: self.requests() == expected, "the second request ends")

    def test_upstream_that_refuses_is_shown(self):
        self.upstream.close()
        self.click("#start-req")
        self.wait_until(lambda: [row[:2] for row in self.requests()] == [("failed", "502")], "502")
        self.assertIn("refused", self.requests()[0][2])
        self.take_screenshots("refused")

    def test_server_that_has_gone_is_said(self):
        self.assertEqual(self.demo.stop(), 0)
        self.click("#press-stop")
        self.wait_until(lambda: "the server does not answer" in self.text("#message"), "it says so")


class Login(Browser):
    """System 2, on each database."""

    NAME, PASSWORD = "piggy", "oink & oïnk <3"

    def open_with_user(self, *arguments):
        self.open(Demo(*arguments))
        url = arguments[arguments.index("--database") + 1] if arguments else f"sqlite:{self.demo.folder.name}/demo.db"
        subprocess.run([DEMO, "add-user", self.NAME, "--database", url], input=self.PASSWORD + "\n", text=True, timeout=PATIENCE,
                       check=True, stdout=subprocess.DEVNULL)

    def log_in(self, password):
        self.write("#username", self.NAME)
        self.write("#password", password)
        self.click("button")

    def log_in_and_out(self):
        self.click("#log-in")
        self.wait_until(lambda: self.text("h1") == "Log in", "the form")
        self.log_in("wrong password")
        self.wait_until(lambda: self.browser.find_elements(By.CSS_SELECTOR, ".message"), "it says that it is wrong")
        self.assertEqual(self.text(".message"), "Wrong name or password.")
        self.assertEqual(self.find("#username").get_attribute("value"), self.NAME)
        self.assertEqual(self.find("#password").get_attribute("value"), "")
        self.log_in(self.PASSWORD)
        self.wait_until(lambda: self.browser.find_elements(By.CSS_SELECTOR, "#user"), "the welcome")
        self.assertEqual(self.text("h1"), f"Welcome, {self.NAME}")
        self.browser.get(self.demo.url)
        self.wait_until(lambda: self.text("#who-text") == f"logged in as {self.NAME}", "the start page knows who it is")
        self.click("#log-in")
        self.wait_until(lambda: self.browser.current_url.endswith("/welcome"), "no need to log in again")
        self.click("button")
        self.wait_until(lambda: self.text("h1") == "Log in", "logged out")
        self.browser.get(self.demo.url + "welcome")
        self.assertTrue(self.browser.current_url.endswith("/login?next=%2Fwelcome"))

    def errors(self):
        """What the browser complains of, but for the answers that say so by their status."""
        return [entry for entry in self.browser.get_log("browser") if "the server responded with a status of 403" not in entry["message"]]

    def test_on_sqlite(self):
        self.open_with_user()
        self.log_in_and_out()
        self.assertEqual(self.errors(), [])

    def test_on_mariadb(self):
        with database_servers.MariaDb() as server:
            self.open_with_user("--database", server.url)
            self.log_in_and_out()
            self.assertEqual(self.errors(), [])

    def test_on_postgres(self):
        with database_servers.Postgres() as server:
            self.open_with_user("--database", server.url)
            self.log_in_and_out()
            self.assertEqual(self.errors(), [])

    def test_looks(self):
        self.open_with_user()
        self.browser.get(self.demo.url + "login")
        self.take_screenshots("login")
        self.log_in("wrong password")
        self.wait_until(lambda: self.browser.find_elements(By.CSS_SELECTOR, ".message"), "it says that it is wrong")
        self.take_screenshots("login-wrong")
        self.log_in(self.PASSWORD)
        self.wait_until(lambda: self.browser.find_elements(By.CSS_SELECTOR, "#user"), "the welcome")
        self.take_screenshots("welcome")

    def test_a_database_that_is_down_has_a_page(self):
        server = database_servers.MariaDb()
        self.addCleanup(server.stop)
        self.open_with_user("--database", server.url)
        self.browser.get(self.demo.url + "login")
        server.kill()
        self.log_in(self.PASSWORD)
        self.wait_until(lambda: self.text("h1") == "Not available right now", "the page")
        self.take_screenshots("unavailable")
        server.start()
        self.browser.get(self.demo.url + "login")
        self.log_in(self.PASSWORD)
        self.wait_until(lambda: self.text("h1") == f"Welcome, {self.NAME}", "it is back")


class HostileValues(Browser):
    """Whatever a template shows, and wherever: no script of it runs, the page's own do, and text stays the text that it was."""

    ATTACKS = [
        "<script>pwn(1)</script>", "</script><script>pwn(2)</script>", "</SCRIPT ><script>pwn(3)</script>", "<img src=x onerror=pwn(4)>",
        "</title><svg onload=pwn(5)>", "</textarea><svg onload=pwn(6)>", "</style><script>pwn(7)</script>", "--><script>pwn(8)</script><!--",
        "--!><script>pwn(9)</script>", '"><script>pwn(10)</script>', "'><script>pwn(11)</script>", '" onmouseover="pwn(12)" autofocus onfocus="pwn(12)',
        "' onfocus='pwn(13)' autofocus='", "';pwn(14);//", '";pwn(15);//', "\\';pwn(16);//", '\\";pwn(17);//', "\u2028pwn(18)", "\u2029pwn(19)",
        "\n;pwn(20);//", "*/pwn(21)/*", "${pwn(22)}", "`;pwn(23);`", "<!--<script>pwn(24)", "javascript:pwn(25)", "JaVaScRiPt:pwn(26)",
        " javascript:pwn(27)", "java\tscript:pwn(28)", "java\nscript:pwn(29)", "\x01javascript:pwn(30)", "vbscript:pwn(31)",
        "data:text/html,<script>parent.pwn(32)</script>", "data:text/html;base64,PHNjcmlwdD5wYXJlbnQucHduKDMzKTwvc2NyaXB0Pg==",
        "blob:pwn(34)", "&#106;avascript:pwn(35)", "&quot;;pwn(36);//", "expression(pwn(37))", "red; background: url(javascript:pwn(38))",
        "url('javascript:pwn(39)')", "}</style><script>pwn(40)</script>", "}; @import 'javascript:pwn(41)'; .x{", "\\3c script>pwn(42)",
        "]]><script>pwn(43)</script>", "{{ value }}<svg/onload=pwn(44)>", "//evil.invalid/\"onload=pwn(45)", "\x00<script>pwn(46)</script>",
        "\U0001f437 <pig> & \"caro\" 'oink' \\",
    ]

    def setUp(self):
        self.server = subprocess.Popen([HOSTILE_SERVER, "--port", "0", "--log-level", "error"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.wait, PATIENCE)
        self.addCleanup(self.server.terminate)
        self.addCleanup(self.browser.get, "about:blank")
        self.url = "http://" + self.server.stdout.readline().strip().removeprefix("listening on ")

    def test_no_script_runs_in_any_place(self):
        for attack in self.ATTACKS:
            with self.subTest(attack):
                # As the handler gets it: get_argument() strips, and makes spaces of control characters.
                value = re.sub(r"[\x00-\x08\x0e-\x1f]", " ", attack).strip()
                self.browser.get(f"{self.url}/?" + urllib.parse.urlencode({"value": attack}))
                seen = self.browser.execute_script("""
                    const byId = (id) => document.getElementById(id);
                    return {finished, texts: [bare, single, double, list[0], list[1].key, JSON.parse(byId("data").textContent).value,
                            byId("text").textContent, byId("attributes").title, byId("attributes").dataset.value],
                        area: byId("area").value, query: new URL(byId("query").href).searchParams.get("q"),
                        schemes: [byId("link").protocol, new URL(byId("button").formAction).protocol,
                            new URL(document.querySelector("iframe").src).protocol, new URL(document.images[0].src).protocol],
                        handlers: [...document.querySelectorAll("*")].flatMap((element) =>
                            element.getAttributeNames().filter((name) => name.startsWith("on")))}""")
                self.assertTrue(seen["finished"])
                self.assertEqual(set(seen["texts"]), {value})
                self.assertEqual(seen["area"].lstrip("\n"), value.lstrip("\n"))
                self.assertEqual(seen["query"], value)
                self.assertLessEqual(set(seen["schemes"]), {"http:", "https:", "about:", "mailto:"})
                self.assertEqual(seen["handlers"], [])
                self.browser.execute_script("document.querySelectorAll('*').forEach((element) => element.dispatchEvent(new Event('mouseover')))")
                self.assertEqual(self.browser.execute_script("return ran"), [])
                link = self.find("#link")
                if "javascript" in attack.lower():  # what others lead to is no page of ours
                    self.browser.execute_script("arguments[0].click()", link)
                    self.assertEqual(self.browser.execute_script("return typeof ran == 'undefined' ? [] : ran"), [])


class Flags(unittest.TestCase):
    def test_upstream_is_a_slow_page_of_the_demo_itself_unless_set(self):
        demo = Demo()
        self.addCleanup(demo.stop)
        with urllib.request.urlopen(demo.url + "demo.json", timeout=PATIENCE) as response:
            settings = json.load(response)
        self.assertEqual((settings["seconds"], settings["upstream"]), (TORNADO_SECONDS, demo.url + "slow"))

    def test_flags_that_cannot_work_end_the_program_with_one_line(self):
        for arguments in (["--upstream", "nonsense"], ["--upstream", "http://user@host/"], ["--seconds", "-1"], ["--login-attempts", "0"],
                          ["--seconds", "nan"], ["--unix-socket", "demo.sock"]):
            with self.subTest(arguments):
                done = subprocess.run([DEMO, "--port", "0", *arguments], capture_output=True, text=True,
                                      timeout=PATIENCE, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stdout, "")
                self.assertTrue(re.fullmatch(f"{arguments[0]}: .+\n", done.stderr), done.stderr)


if __name__ == "__main__":
    unittest.main()
