"""The demo's login on SQLite, MariaDB and PostgreSQL, as curl sees it. Usage: login_test.py CAROPIG_DEMO"""

import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import database_servers  # noqa: E402

DEMO = sys.argv.pop(1)
PATIENCE = 60  # seconds; only a failing test waits that long
NAME, PASSWORD = "piggy", "oink & oïnk <3"


class Answer:
    def __init__(self, output):
        head, _, self.body = output.decode().replace("\r\n", "\n").partition("\n\n")
        lines = head.split("\n")
        self.status = int(lines[0].split(" ")[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}

    @property
    def location(self):
        return self.headers.get("location")


class Browser:
    """curl with a jar of cookies."""

    def __init__(self, url, folder):
        self.url = url
        self.jar = pathlib.Path(folder, f"jar{len(os.listdir(folder))}")
        self.jar.touch()

    def ask(self, path, *arguments):
        done = subprocess.run(["curl", "--silent", "--show-error", "--include", "--max-time", str(PATIENCE), "--noproxy", "*",
                               "--cookie", self.jar, "--cookie-jar", self.jar, *arguments, self.url + path],
                              capture_output=True, check=True)
        return Answer(done.stdout)

    def post(self, path, **fields):
        """A form, with the token of the page that shows it."""
        form = self.ask("/login" if path == "/login" else "/welcome")
        token = re.search(r'name="_xsrf" value="([^"]+)"', form.body)
        if token:
            fields = {"_xsrf": token[1], **fields}
        return self.ask(path, *(word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")))

    def log_in(self, name=NAME, password=PASSWORD, **fields):
        return self.post("/login", username=name, password=password, **fields)


class Demo:
    def __init__(self, database, *arguments):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([DEMO, "--port", "0", "--database", database, *arguments], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True, preexec_fn=database_servers.die_with_parent)
        self.printed = []
        for line in self.process.stdout:
            self.printed.append(line.strip())
            if line.startswith("open "):
                self.url = line.removeprefix("open ").strip().rstrip("/")
                return
        raise AssertionError(f"the demo printed {self.printed} and {self.said()}")

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.process.terminate()
        self.process.stdout.close()
        code = self.process.wait(PATIENCE)
        self.log.close()
        return code


def add_user(database, name=NAME, password=PASSWORD, *arguments):
    return subprocess.run([DEMO, "add-user", name, "--database", database, *arguments], input=password + "\n", text=True,
                          capture_output=True, timeout=PATIENCE, check=False)


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, database, *arguments):
        demo = Demo(database, *arguments)
        self.addCleanup(lambda: self.assertEqual(demo.stop(), 0))
        return demo

    def browser(self, demo):
        return Browser(demo.url, self.folder)


class LoginOn:
    """The same on each database; the subclasses say which."""

    def test_login_greets_the_user_until_the_logout(self):
        browser = self.browser(self.demo)
        sent_away = browser.ask("/welcome")
        self.assertEqual((sent_away.status, sent_away.location), (302, "/login?next=%2Fwelcome"))
        answer = browser.log_in()
        self.assertEqual((answer.status, answer.location), (303, "/welcome"), answer.body)
        page = browser.ask("/welcome")
        self.assertEqual(page.status, 200)
        self.assertIn(f'<span id="user">{NAME}</span>', page.body)
        self.assertEqual(page.headers["cache-control"], "no-store")
        answer = browser.post("/logout")
        self.assertEqual((answer.status, answer.location), (303, "/login"))
        self.assertEqual(browser.ask("/welcome").status, 302)

    def test_a_copied_session_ends_with_the_logout(self):
        browser = self.browser(self.demo)
        browser.log_in()
        thief = self.browser(self.demo)
        thief.jar.write_bytes(browser.jar.read_bytes())
        self.assertEqual(thief.ask("/welcome").status, 200)
        browser.post("/logout")
        self.assertEqual(thief.ask("/welcome").status, 302)

    def test_the_session_gets_another_name_at_the_login(self):
        browser = self.browser(self.demo)
        browser.log_in()
        before = browser.jar.read_text()
        browser.post("/logout")
        browser.log_in()
        self.assertNotEqual(before, browser.jar.read_text())

    def test_name_and_password_are_data(self):
        for text in ("' OR '1'='1", "piggy' --", "piggy\"; DROP TABLE users; --", "\\' OR 1=1 #", "%", "piggy%", "\x01", "🐷"):
            with self.subTest(text):
                self.assertEqual(self.browser(self.demo).log_in(text, text).status, 403)
        self.assertEqual(self.browser(self.demo).log_in().status, 303)

    def test_add_user_twice_is_refused_unless_replaced(self):
        self.assertEqual(add_user(self.url, "twice", "first password").returncode, 0)
        again = add_user(self.url, "twice", "second password")
        self.assertEqual(again.returncode, 1)
        self.assertIn("twice", again.stderr)
        self.assertIn("--replace", again.stderr)
        self.assertEqual(self.browser(self.demo).log_in("twice", "first password").status, 303)
        self.assertEqual(add_user(self.url, "twice", "second password", "--replace").returncode, 0)
        self.assertEqual(self.browser(self.demo).log_in("twice", "first password").status, 403)
        self.assertEqual(self.browser(self.demo).log_in("twice", "second password").status, 303)

    def tearDown(self):
        said = self.demo.said()
        for secret in (PASSWORD, database_servers.MariaDb.PASSWORD, database_servers.MariaDb.QUOTED_PASSWORD, "second password"):
            self.assertNotIn(secret, said)


class LoginOnSqlite(LoginOn, WithFolder):
    def setUp(self):
        super().setUp()
        self.url = f"sqlite:{self.folder}/demo.db"
        self.assertEqual(add_user(self.url).returncode, 0)
        self.demo = self.start(self.url, "--login-attempts", "100")


class LoginOnServer(LoginOn):
    """Killing the server and starting it again is for those that have one."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.Kind()
        cls.addClassCleanup(cls.server.stop)
        cls.url = cls.server.url
        done = add_user(cls.url)
        assert done.returncode == 0, done.stderr

    def setUp(self):
        super().setUp()
        self.demo = self.start(self.url, "--login-attempts", "100")

    def take_server_away(self):
        self.server.kill()
        self.addCleanup(lambda: self.server.process.poll() is None or self.server.start())

    def test_a_database_that_is_down_is_said_and_comes_back(self):
        browser = self.browser(self.demo)
        self.assertEqual(browser.log_in().status, 303)
        self.take_server_away()
        answer = browser.ask("/welcome")
        self.assertEqual(answer.status, 503)
        self.assertIn("the database does not answer", answer.body)
        self.assertIn("retry-after", answer.headers)
        self.assertEqual(self.browser(self.demo).log_in().status, 503)
        self.assertEqual(browser.ask("/index").body, "ok")
        self.assertIn(f"127.0.0.1:{self.server.port}", self.demo.said())
        self.server.start()
        self.assertEqual(self.once_it_is_back(lambda: browser.ask("/welcome")).status, 200)

    def test_starts_while_the_database_is_down(self):
        self.take_server_away()
        demo = self.start(self.url)
        self.assertEqual(self.browser(demo).ask("/welcome").status, 302)  # no session, so nothing to ask for
        self.assertEqual(self.browser(demo).log_in().status, 503)
        self.server.start()
        self.assertEqual(self.once_it_is_back(self.browser(demo).log_in).status, 303)

    def once_it_is_back(self, ask):
        """The first answer that is no 503."""
        deadline = time.monotonic() + PATIENCE
        while (answer := ask()).status == 503 and time.monotonic() < deadline:
            time.sleep(0.1)  # it tries to connect four times a second, and nobody is told when that succeeds
        return answer


class LoginOnMariaDb(LoginOnServer, WithFolder):
    Kind = database_servers.MariaDb


class LoginOnPostgres(LoginOnServer, WithFolder):
    Kind = database_servers.Postgres


class Form(WithFolder):
    """What does not depend on the database."""

    def setUp(self):
        super().setUp()
        self.url = f"sqlite:{self.folder}/demo.db"
        self.assertEqual(add_user(self.url).returncode, 0)
        self.demo = self.start(self.url, "--login-attempts", "3")

    def test_wrong_name_and_wrong_password_look_alike(self):
        def answer(name):
            answer = self.browser(self.demo).log_in(name, "wrong")
            body = re.sub(r'(name="_xsrf" value=)"[^"]+"', r"\1", answer.body)
            return answer.status, body.replace(name, "NAME"), sorted(set(answer.headers) - {"date"})

        self.assertEqual(answer(NAME), answer("stranger"))
        self.assertEqual(answer(NAME)[0], 403)
        self.assertIn("Wrong name or password", answer("stranger")[1])

    def test_the_name_stays_in_the_form_as_text(self):
        answer = self.browser(self.demo).log_in('"><script>alert(1)</script>', "x")
        self.assertNotIn("<script", answer.body)
        self.assertIn("&lt;script&gt;", answer.body)

    def test_a_form_without_its_token_is_refused(self):
        browser = self.browser(self.demo)
        browser.ask("/login")
        answer = browser.ask("/login", "--data-urlencode", f"username={NAME}", "--data-urlencode", f"password={PASSWORD}")
        self.assertEqual(answer.status, 403)
        self.assertEqual(browser.ask("/welcome").status, 302)

    def test_next_leads_only_to_this_site(self):
        for given, location in (("/index?a=1", "/index?a=1"), ("//evil.example/", "/welcome"), ("https://evil.example/", "/welcome"),
                                ("/\\evil.example", "/welcome"), ("javascript:alert(1)", "/welcome"), ("", "/welcome")):
            with self.subTest(given):
                browser = self.browser(self.demo)
                form = browser.ask("/login?" + urllib.parse.urlencode({"next": given}))
                self.assertIn('name="next"', form.body)
                answer = browser.log_in(next=given)
                self.assertEqual((answer.status, answer.location), (303, location))

    def test_too_many_wrong_passwords_have_to_wait(self):
        for _ in range(3):
            self.assertEqual(self.browser(self.demo).log_in(password="wrong").status, 403)
        answer = self.browser(self.demo).log_in()
        self.assertEqual(answer.status, 429)
        self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.assertIn("Too many", answer.body)

    def test_cookies_are_for_this_site_and_for_no_script(self):
        browser = self.browser(self.demo)
        answer = browser.log_in()
        cookie = answer.headers["set-cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Lax", cookie)

    def test_missing_fields_are_400(self):
        self.assertEqual(self.browser(self.demo).post("/login", username=NAME).status, 400)

    def test_head_of_the_form(self):
        self.assertEqual(self.browser(self.demo).ask("/login", "--head").status, 200)


class FirstStart(WithFolder):
    def test_makes_a_file_with_one_user_whose_password_it_prints_once(self):
        environment = {**os.environ, "XDG_STATE_HOME": self.folder}
        for name in ("STATE_DIRECTORY", "CAROPIG_DATABASE"):
            environment.pop(name, None)
        process = subprocess.Popen([DEMO, "--port", "0", "--log-level", "error"], stdout=subprocess.PIPE, text=True, env=environment,
                                   preexec_fn=database_servers.die_with_parent)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, PATIENCE)
        self.addCleanup(process.terminate)
        lines = [process.stdout.readline().strip() for _ in range(3)]
        login = next(line for line in lines if line.startswith("log in as "))
        name, password = re.fullmatch(r"log in as (\S+) with the password (\S+) .*", login).groups()
        url = next(line for line in lines if line.startswith("open ")).removeprefix("open ").rstrip("/")
        self.assertEqual(Browser(url, self.folder).log_in(name, password).status, 303)
        file = pathlib.Path(self.folder, "caropig", "demo.db")
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        again = self.start(f"sqlite:{file}")
        self.assertEqual([line for line in again.printed if "password" in line], [])


class AddUser(WithFolder):
    def test_reads_the_password_from_the_terminal_without_an_echo(self):
        url = f"sqlite:{self.folder}/demo.db"
        leader, terminal = pty.openpty()
        self.addCleanup(os.close, leader)
        process = subprocess.Popen([DEMO, "add-user", NAME, "--database", url], stdin=terminal, stdout=terminal, stderr=terminal,
                                   preexec_fn=database_servers.die_with_parent)
        os.close(terminal)
        seen = b""
        for prompt in (b"Password for piggy: ", b"The same again: "):
            while prompt not in seen:
                self.assertTrue(select.select([leader], [], [], PATIENCE)[0], seen)
                seen += os.read(leader, 1000)
            os.write(leader, b"a secret password\n")
        self.assertEqual(process.wait(PATIENCE), 0)
        while select.select([leader], [], [], 0.2)[0]:
            try:
                seen += os.read(leader, 1000)
            except OSError:  # the program's end of the terminal is closed
                break
        self.assertNotIn(b"secret", seen)
        self.assertEqual(self.browser(self.start(url)).log_in(NAME, "a secret password").status, 303)

    def test_refuses_what_is_no_name_or_password(self):
        url = f"sqlite:{self.folder}/demo.db"
        for name, password in (("", "long enough"), ("a b", "long enough"), ("x" * 65, "long enough"), (NAME, "short"), (NAME, "")):
            with self.subTest((name, password)):
                done = add_user(url, name, password)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertNotIn(password or "\n\n", done.stderr)

    def test_says_which_database_cannot_be_had(self):
        done = add_user("mysql://caro:secret@127.0.0.1:1/app")
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1:1", done.stderr)
        self.assertNotIn("secret", done.stderr)


if __name__ == "__main__":
    unittest.main()
