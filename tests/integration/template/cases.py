"""Templates and data for template_test.py: SAME render alike in Tornado and in CaroPig, FAILS fail in both, DIFFERENT
differ on purpose, each with its reason."""

DATA = {
    "name": "Ann",
    "hostile": "<b title=\"x\" class='y'>&amp;</b>",
    "user": {"name": "Zoë", "age": 41, "admin": True, "email": None, "address": {"city": "Köln"}},
    "items_list": [{"id": 1, "title": "one & two"}, {"id": 2, "title": "<three>"}, {"id": 3, "title": ""}],
    "numbers": [3, 1, 2, 10, -5],
    "floats": [0.1, 1.0, 1e16, 1e15, 123456789.125, 1e-5, 0.0001, -0.0, 3.14159265358979, 5e-324],
    "words": ["pear", "Apple", "fig", "éclair"],
    "empty": [],
    "prices": {"tea": 2.5, "coffee": 3, "water": 0},
    "text": "  The quick  brown\tfox\n",
    "long": "abcdefghijklmnopqrstuvwxyz",
    "umlaut": "äöü ÄÖÜ straße 日本語 🐷",
    "nothing": None,
    "yes": True,
    "no": False,
    "n": 7,
    "x": 2.5,
    "big": 9007199254740993,
    "nested": [[1, [2, 3]], {"a": [None, True, "it's"]}],
    "quotes": "both ' and \"",
    "url": "http://example.com/a?b=1&c=2",
    "js": "</script><script>alert('x')\u2028",
}


def case(text, name="t.html", data=None, options=None, **more):
    templates = {name: text, **more.pop("files", {})}
    return {"templates": templates, "name": name, "data": DATA if data is None else data, "options": options or {}, **more}


def expressions(*texts):
    # "}}" would end the tag, in Tornado too.
    return [case("{% autoescape None %}{% raw " + text + " %}" if "}}" in text else "{{ " + text + " }}") for text in texts]


NAMES = expressions(
    "name", "hostile", "user.name", "user.address.city", "user['name']", "nothing", "yes", "no", "n", "x", "big",
    "user", "items_list", "floats", "nested", "quotes", "umlaut", "text", "user.email", "empty", "prices",
)

LITERALS = expressions(
    "1", "1.0", "1e16", "1e15", "1e-5", "0.1", "-3", "+3", "1_000", "0x1f", "0b101", "0o17", "'a'", '"a"', r"'a\n\t\x41\u00e9'",
    r"r'\n'", "'a' 'b'", "None", "True", "[1, 'a', None]", "(1,)", "(1, 2)", "()", "{'a': 1, 2: [3]}", "[]", "'it\\'s'", "1, 2",
    "'''a'b'''", "1.", ".5", "1e400", "[1.0, 2.50, 1e22]", "{'k': (1, 2)}",
)

OPERATORS = expressions(
    "1 + 2", "7 - 10", "3 * 4", "7 / 2", "8 / 2", "7 // 2", "-7 // 2", "7 // -2", "7 % 3", "-7 % 3", "7 % -3", "2 ** 10",
    "2 ** -1", "2 ** 0.5", "-2 ** 2", "7.5 // 2", "-7.5 // 2", "-7.5 % 2", "7.5 % -2", "1 + 2 * 3", "(1 + 2) * 3", "'a' + 'b'",
    "'ab' * 3", "3 * 'ab'", "'ab' * -1", "[1] + [2]", "[0] * 3", "(1,) + (2,)", "(1, 2) * 2", "1 | 6", "7 & 3", "5 ^ 1", "1 << 10",
    "-9 >> 1", "~5", "True + True", "True | False", "True & 1", "not 1", "not []", "1 and 2", "0 and 2", "1 or 2", "'' or 'x'",
    "None or 0", "1 if yes else 2", "1 if no else 2", "'a' if n > 5 else 'b' if n > 3 else 'c'", "not n == 7", "- -3", "2 ** 3 ** 2",
    "1 - 2 - 3", "100 // 7 % 4", "x * n", "n / x", "big + 1", "1e308 * 10", "-x", "+x", "5 // 2.0", "10 % 3.5", "0.1 + 0.2",
)

COMPARISONS = expressions(
    "1 < 2", "1 < 2 < 3", "1 < 3 < 2", "1 == 1.0", "1 == True", "'a' < 'b'", "'a' == 1", "[1, 2] < [1, 3]", "(1, 2) == (1, 2)",
    "[1] == (1,)", "{'a': 1} == {'a': 1.0}", "1 in [1, 2]", "3 not in [1, 2]", "'b' in 'abc'", "'tea' in prices", "2.5 in prices.values()",
    "None is None", "nothing is None", "n is not None", "1 != 2", "2 >= 2", "'z' > 'ab'", "3 in range(5)", "5 in range(0, 10, 2)",
    "n == 7 and x == 2.5 or no", "1 < 2 == True", "'é' > 'z'", "big == 9007199254740992.0", "[] == []", "not 1 in [2]",
)

SUBSCRIPTS = expressions(
    "numbers[0]", "numbers[-1]", "numbers[1:3]", "numbers[:2]", "numbers[2:]", "numbers[::-1]", "numbers[::2]", "numbers[-2:]",
    "numbers[10:]", "long[0]", "long[-1]", "long[1:5]", "long[::-3]", "umlaut[0:3]", "umlaut[-1]", "umlaut[::-1]", "nested[0][1][0]",
    "nested[1]['a'][2]", "prices['tea']", "'abc'[1]", "(1, 2, 3)[1:]", "range(10)[2:8:2]", "range(10)[-1]", "long[5:2]", "long[20:100]",
    "{'a': {'b': 2}}['a']['b']", "numbers[True]", "long[None:3]",
)

STRING_METHODS = expressions(
    "name.upper()", "name.lower()", "umlaut.upper()", "umlaut.lower()", "umlaut.title()", "'hello world'.title()", "\"they're\".title()",
    "'hELLO'.capitalize()", "'aBc'.swapcase()", "text.strip()", "'xxaxx'.strip('x')", "'xxaxx'.lstrip('x')", "'xxaxx'.rstrip('x')",
    "text.split()", "'a,b,,c'.split(',')", "'a,b,c'.split(',', 1)", "' a b  c '.split(None, 1)", "'a,b,c'.rsplit(',', 1)",
    "' a b  c '.rsplit(None, 1)", "'a b'.rsplit()", "'a\\nb\\r\\nc'.splitlines()", "', '.join(words)", "'-'.join('abc')", "''.join([])",
    "'aaa'.replace('a', 'b')", "'aaa'.replace('a', 'b', 2)", "'ab'.replace('', '-')", "name.startswith('A')", "name.startswith(('x', 'A'))",
    "name.endswith('nn')", "long.find('c')", "long.find('z', 3)", "long.find('9')", "umlaut.find('Ö')", "'abab'.rfind('b')",
    "long.index('d')", "'banana'.count('an')", "'banana'.count('')", "'5'.zfill(3)", "'-5'.zfill(4)", "'a'.center(5)", "'ab'.center(5, '*')",
    "'a'.ljust(3) + '|'", "'a'.rjust(3)", "'12'.isdigit()", "'ab'.isalpha()", "'a1'.isalnum()", "' '.isspace()", "'AB'.isupper()",
    "'ab'.islower()", "''.isdigit()", "'a-b-c'.partition('-')", "'a-b-c'.rpartition('-')", "'abc'.partition('x')", "'prefix-a'.removeprefix('prefix-')",
    "'a.html'.removesuffix('.html')", "'äöü'.isalpha()", "'ß'.upper()", "'A B'.split(' ')", "'%'.join(['1', '2'])", "'a\\u00a0b'.split()",
    "'long text'[:4].upper()", "'x'.join(map(str, numbers))", "'tab\\there'.split('\\t')", "'ab'.find('', 5)",
)

CONTAINER_METHODS = expressions(
    "prices.items()", "prices.keys()", "prices.values()", "list(prices)", "prices.get('tea')", "prices.get('x')", "prices.get('x', 0)",
    "sorted(prices.items())", "numbers.index(2)", "numbers.count(1)", "(1, 2, 1).count(1)", "user.get('name')", "len(prices)",
    "list(prices.values())", "{}.get('a', 'b')", "{1: 'a'}.get(1)", "sorted(prices)[0]", "(2.0).is_integer()",
)

BUILTINS = expressions(
    "len(name)", "len(umlaut)", "len(numbers)", "len(prices)", "len(range(3, 10, 2))", "str(1.5)", "str(None)", "str(numbers)", "str()",
    "int('12')", "int(' -7 ')", "int(3.9)", "int(-3.9)", "int('ff', 16)", "int(True)", "float('1.5')", "float(3)", "float(' 1e3 ')", "bool('')",
    "bool([0])", "range(3)", "range(1, 4)", "range(5, 0, -2)", "list(range(3))", "list(range(5, 0, -2))", "sorted(numbers)",
    "sorted(words)", "sorted(words, key=len)", "sorted(numbers, reverse=True)", "list(reversed(numbers))", "list(enumerate(words))",
    "list(enumerate(words, 1))", "list(zip(numbers, words))", "min(numbers)", "max(numbers)", "min(3, 1, 2)", "max(words, key=len)", "sum(numbers)",
    "sum([0.1, 0.2])", "sum([1], 10)", "abs(-3)", "abs(-2.5)", "round(2.5)", "round(3.5)", "round(2.675, 2)", "round(1234, -2)", "round(-1.5)",
    "any([0, 1])", "all([])", "all([1, 0])", "list('añb')", "tuple([1, 2])", "repr('a')", "repr(quotes)", "ord('a')", "chr(233)", "divmod(7, 2)",
    "list(map(str, numbers))", "list(filter(None, [0, 1, '', 'a']))", "dict(a=1, b=2)", "min([], default=0)", "format(3.14159, '.2f')",
    "pow(2, 5)", "tuple('ab')", "round(0.5)", "round(5.015, 2)", "list({'a': 1})", "sorted([(2, 'b'), (1, 'a')])", "len('')",
)

TORNADO_FUNCTIONS = [case("{% raw " + text + " %}") for text in (
    "escape(hostile)", "xhtml_escape(hostile)", "url_escape('a b/c?d=é')", "url_escape('a b/c', plus=False)", "url_escape('a b/c', False)",
    "json_encode(user)", "json_encode(nested)", "json_encode(js)", "json_encode(floats)", "json_encode('a\\tb\"')", "json_encode(umlaut)",
    "json_encode([1, (2, 3), None, True])", "json_encode({1: 2, None: 3, True: 4, 1.5: 5})", "squeeze(text)", "squeeze('\\n a \\n')",
    "linkify('see http://example.com/ and www.example.org.')", "linkify('http://a.com/b_(c)_d, (http://x.org)')",
    "linkify('ftp://a.com javascript:alert(1) https://b.de/?q=1&r=2')", "linkify('www.a.com', require_protocol=True)",
    "linkify('http://example.com/very/long/path/that/goes/on', shorten=True)", "linkify('http://a.com', extra_params='rel=\"nofollow\"')",
    "linkify('ftp://a.com', permitted_protocols=['ftp'])", "linkify('<b>http://a.com</b>')", "linkify(url)", "linkify('http://a.com...')",
    "linkify('http://www.a.com/(x)y http:///b xhttp://c.d')", "linkify('\"http://a.com\"')", "linkify('www.a')", "linkify('see mailto:x@y.z')",
    "linkify('http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com', shorten=True)",
    "linkify('http://example.com/a&b&c&d&e&f&g&h?i', shorten=True)", "linkify('www.externalsite.com/some/long/path/of/it', shorten=True)",
)]

PERCENT = expressions(
    "'%s' % name", "'%s and %s' % (name, n)", "'%d' % n", "'%5d|' % n", "'%-5d|' % n", "'%05d' % n", "'%+d' % n", "'% d' % n", "'%.2f' % x",
    "'%8.3f|' % x", "'%e' % 12345.678", "'%g' % 0.0001", "'%g' % 1e10", "'%G' % 1e-10", "'%x' % 255", "'%#x' % 255", "'%X' % 255", "'%o' % 8",
    "'%c' % 'a'", "'%c' % 65", "'%r' % name", "'%%'  % ()", "'%(a)s-%(b)d' % {'a': 'x', 'b': 3}", "'%.3s' % long", "'%5s|' % 'ab'", "'%-5s|' % 'ab'",
    "'%*d' % (5, 3)", "'%s' % None", "'%s' % [1, 'a']", "'%s' % (1.0,)", "'%d%%' % 50", "'%.0f' % 2.5", "'%i' % 3.99", "'%s' % user.name",
    "'%06.2f' % -1.5", "'%.3d' % 5", "'%a' % 'é'", "'%5.1f|%-8s|' % (x, name)",
)

FORMAT = expressions(
    "'{}'.format(name)", "'{} {}'.format(1, 2)", "'{1} {0}'.format(1, 2)", "'{a}'.format(a=1)", "'{:5}|'.format(n)", "'{:<5}|'.format(n)",
    "'{:>5}|'.format('ab')", "'{:^5}|'.format('ab')", "'{:*^7}'.format('ab')", "'{:05d}'.format(n)", "'{:+}'.format(n)", "'{:,}'.format(1234567)",
    "'{:,}'.format(1234567.891)", "'{:_}'.format(1234567)", "'{:.2f}'.format(x)", "'{:10.3f}|'.format(x)", "'{:,.2f}'.format(1234567.891)",
    "'{:e}'.format(12345.678)", "'{:g}'.format(1e20)", "'{:%}'.format(0.25)", "'{:.1%}'.format(0.256)", "'{:x}'.format(255)", "'{:#x}'.format(255)",
    "'{:b}'.format(5)", "'{:#010b}'.format(5)", "'{:o}'.format(8)", "'{:c}'.format(65)", "'{!r}'.format('a')", "'{!s:>4}'.format(1)", "'{{}}'.format()",
    "'{0[a]}'.format({'a': 1})", "'{0[1]}'.format([1, 2])", "'{:{}}|'.format('a', 5)", "'{:{w}.{p}f}|'.format(x, w=8, p=3)", "'{:.3}'.format(long)",
    "'{:.3}'.format(3.14159)", "'{:.3}'.format(100.0)", "'{:.4}'.format(100.0)", "'{}'.format(1.0)", "'{:>5}'.format(True)", "'{:010,}'.format(1234)",
    "'{:é>4}'.format('a')", "'{:=+6}'.format(5)", "'{:n}'.format(5)", "'{:d}'.format(True)", "'{:f}'.format(3)", "'{:.0f}'.format(0.5)",
    "'{:05}'.format(-1.5)", "'{:x}'.format(-255)", "f'{name}!'", "f'{n:03d} {x!r:>6} {{}}'", "f'{x:{n}.2f}|'", "f\"{user['name']}\"",
    "f'a' 'b{}'", "'{:_x}'.format(1048575)", "'{:08.2f}'.format(3.14159)", "'{:-^20}'.format(' hi ')", "'{:<05}'.format(3)",
)

STATEMENTS = [
    case(text) for text in (
        "plain text",
        "",
        "{% if yes %}a{% end %}",
        "{% if no %}a{% elif n == 7 %}b{% else %}c{% end %}",
        "{% if no %}a{% elif no %}b{% else %}c{% end %}",
        "{% if no %}a{% end %}|",
        "{% for i in numbers %}{{ i }},{% end %}",
        "{% for i in empty %}x{% else %}none{% end %}",
        "{% for i in numbers %}{% if i == 2 %}{% break %}{% end %}{{ i }}{% else %}no{% end %}",
        "{% for i in numbers %}{% if i < 0 %}{% continue %}{% end %}{{ i }} {% end %}",
        "{% for k, v in prices.items() %}{{ k }}={{ v }};{% end %}",
        "{% for i, w in enumerate(words) %}{{ i }}:{{ w }} {% end %}",
        "{% for i, (a, b) in enumerate(prices.items()) %}{{ i }}{{ a }}{{ b }} {% end %}",
        "{% for (a, b) in [(1, 2), (3, 4)] %}{{ a + b }} {% end %}",
        "{% for c in 'añb' %}[{{ c }}]{% end %}",
        "{% for k in prices %}{{ k }} {% end %}",
        "{% for i in range(3) %}{% for j in range(i) %}{{ i }}{{ j }} {% end %}{% end %}",
        "{% for x, in [(1,), (2,)] %}{{ x }}{% end %}",
        "{% for row in items_list %}<li id=\"i{{ row.id }}\">{{ row.title }}</li>{% end %}",
        "{% for a in 1, 2, 3 %}{{ a }}{% end %}",
        "{% set i = 0 %}{% while i < 3 %}{{ i }}{% set i = i + 1 %}{% end %}",
        "{% set i = 0 %}{% while True %}{% set i += 1 %}{% if i > 3 %}{% break %}{% end %}{{ i }}{% end %}",
        "{% set i = 3 %}{% while i %}{% set i -= 1 %}{% else %}done{% end %}",
        "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
        "{% set a = b = 3 %}{{ a + b }}",
        "{% set (a, (b, c)) = (1, (2, 3)) %}{{ c }}{{ b }}{{ a }}",
        "{% set [a, b] = [1, 2] %}{{ b }}{{ a }}",
        "{% set s = 'a' %}{% set s *= 3 %}{{ s }}",
        "{% set d = {'a': 1} %}{{ d['a'] }}",
        "{% set x = 5 %}{{ x }}{% set x //= 2 %}{{ x }}{% set x **= 3 %}{{ x }}",
        "{% try %}{{ missing }}{% except %}failed{% end %}",
        "{% try %}{{ missing }}{% except NameError %}name{% end %}",
        "{% try %}{{ 1 / 0 }}{% except ZeroDivisionError %}zero{% end %}",
        "{% try %}{{ 1 / 0 }}{% except (KeyError, ZeroDivisionError) %}zero{% end %}",
        "{% try %}{{ prices['x'] }}{% except KeyError %}key{% except IndexError %}index{% end %}",
        "{% try %}{{ numbers[99] }}{% except KeyError %}key{% except IndexError %}index{% end %}",
        "{% try %}{{ numbers[99] }}{% except LookupError %}lookup{% end %}",
        "{% try %}{{ 1 + 'a' }}{% except TypeError as e %}type{% end %}",
        "{% try %}{{ int('x') }}{% except ValueError %}value{% end %}",
        "{% try %}{{ 'a'.nope() }}{% except AttributeError %}attribute{% end %}",
        "{% try %}ok{% except %}failed{% else %}else{% finally %}finally{% end %}",
        "{% try %}{{ missing }}{% except %}failed{% else %}else{% finally %}finally{% end %}",
        "{% try %}a{{ 1 / 0 }}b{% except ArithmeticError %}c{% end %}",
        "{% try %}{% try %}{{ 1 / 0 }}{% finally %}f{% end %}{% except %}e{% end %}",
        "{% try %}{% try %}{{ 1 / 0 }}{% except KeyError %}k{% end %}{% except Exception %}e{% end %}",
        "{% for i in range(3) %}{% try %}{% if i == 1 %}{% break %}{% end %}{{ i }}{% finally %}f{% end %}{% end %}",
        "{% for i in range(3) %}{% try %}{{ 1 / i }}{% except %}{% continue %}{% finally %}f{% end %}|{% end %}",
        "{% for i in range(3) %}{% try %}{{ 1 / 0 }}{% except %}{% break %}{% end %}{% else %}x{% end %}",
        "{% for i in range(2) %}{% try %}{{ nope }}{% finally %}{% continue %}{% end %}{% end %}ok",
        "{% try %}{% for i in range(3) %}{{ 6 // (2 - i) }}{% end %}{% except %}!{% end %}{% for i in range(2) %}{{ i }}{% end %}",
        "{% apply shout %}hello {{ name }}{% end %}",
        "{% apply escape %}<b>{% end %}",
        "{% apply xhtml_escape %}<b>{{ hostile }}</b>{% end %}",
        "{% apply shout %}a{% apply shout %}b{% end %}c{% end %}",
        "{% for w in numbers %}{% apply shout %}{{ w }}{% end %} {% end %}",
        "{% set v = 1 %}{% apply shout %}{% set w = 2 %}{{ v + w }}{% end %}{{ v }}",
        "{% apply linkify %}http://a.com{% end %}",
        "{% raw hostile %}",
        "{% raw n %}{% raw nothing %}",
        "{% module Box('a<b>') %}",
        "{% module Box(name, more='!') %}",
        "{# comment {{ n }} #}a{# another #}b",
        "{% comment not shown %}a",
        "{{! not n }}",
        "{%! if %}{#! #}",
        "{{!{{ n }}",
        "{{{ n }}}",
        "{ {{ n }} } { { } }",
        "a { b } c",
        "{{ double_it(4) }} {{ shout('hi') }}",
        "{{escape(name)}}{{ escape(hostile) }}",
        "{% autoescape None %}{{ hostile }}",
        "{{ hostile }}{% autoescape None %}",
        "{% autoescape shout %}{{ name }}",
        "{% autoescape xhtml_escape %}{{ hostile }}",
        "{% if yes %}{% if no %}a{% else %}b{% end %}{% end %}",
        "{%if yes%}a{%else%}b{%end%}",
        "{{name}}{{ n+1 }}",
        "{% if not empty %}empty{% end %}",
        "{{ [1,2][0] }}{{ {'a': 1}['a'] }}",
        "{% set f = len %}{{ f(words) }}",
        "{% for i in range(2) %}\n  {{ i }}\n{% end %}",
        "a\n\n\n   b   c\t\td\n",
        "<pre>\n  a   b\n</pre>",
        "{% whitespace all %}  a   b\n\n c {% whitespace oneline %} a \n b {% whitespace single %} a \n\n  b  c",
        "a \u00a0\n b",
        "x\r\n  y\f z",
        "last {",
    )
]

PAGES = [
    case(text) for text in (
        "<a href=\"/user/{{ n }}?q={{ name }}\">{{ hostile }}</a>",
        "<a href=\"{{ url }}\">x</a>",
        "<input value='{{ hostile }}' title=\"{{ hostile }}\"{% if yes %} checked{% end %}>",
        "<textarea>{{ hostile }}</textarea><title>{{ hostile }}</title>",
        "<!-- {{ hostile }} -->{{ name }}",
        "<script>var a = {{ n }}; var b = \"{{ name }}\"; // {{ name }}\n</script>{{ hostile }}",
        "<style>p { width: {{ n }}px; color: {{ name }} }</style>",
        "<p style=\"width: {{ n }}%\">{{ name }}</p>",
        "<ul{% if yes %} class=\"a\"{% end %}>{% for w in words %}<li{% if w == 'fig' %} class=\"on\"{% end %}>{{ w }}</li>{% end %}</ul>",
        "<a {% if yes %}href=\"{{ url }}\"{% else %}name=\"x\"{% end %}>{{ name }}</a>",
        "<img src=\"{{ url }}\" alt=\"{{ hostile }}\"/><br/>{{ name }}",
        "<p>1 < 2 {{ n }} a<b</p>",
        "<option value=\"{{ n }}\"{% if n == 7 %} selected{% end %}>{{ name }}</option>",
        "<!doctype html><html lang=\"{{ name }}\"><body>{{ hostile }}</body></html>",
        "<a href=\"mailto:{{ name }}\">{{ name }}</a>",
        "<a href=\"#{{ name }}\" data-x='{{ hostile }}'>x</a>",
    )
] + [
    case("{{ hostile }}", name="t.txt"),
    case("  a   b\n\n{{ name }}  c", name="t.txt"),
    case("var x = '{{ name }}';   //   a", name="t.js"),
    case("{{ hostile }}", options={"autoescape": False}),
    case("  a   b\n\n{{ name }}  c", options={"whitespace": "oneline"}),
    case("  a   b\n\n{{ name }}  c", options={"whitespace": "all"}),
    case("  a   b\n\n{{ name }}  c", name="t.txt", options={"whitespace": "single"}),
]

BASE = "<html><title>{% block title %}Default{% end %}</title><body>{% block body %}{{ name }}{% end %}</body></html>"

FILES = [
    case("{% extends \"base.html\" %}{% block title %}Mine{% end %}", files={"base.html": BASE}),
    case("{% extends 'base.html' %}ignored{% block body %}{{ n }}{% end %}", files={"base.html": BASE}),
    case("{% extends base.html %}", files={"base.html": BASE}),
    case("{% extends middle.html %}{% block inner %}I{% end %}",
         files={"middle.html": "{% extends base.html %}{% block body %}<{% block inner %}{% end %}>{% end %}".replace("<", "[").replace(">", "]"),
                "base.html": BASE}),
    case("a{% include \"b.html\" %}c", files={"b.html": "[{{ name }}]"}),
    case("{% for w in words %}{% include row.html %}{% end %}", files={"row.html": "<li>{{ w }}</li>"}),
    case("{% include dir/a.html %}", files={"dir/a.html": "A{% include b.html %}", "dir/b.html": "B{% include ../c.html %}", "c.html": "C"}),
    case("{{ hostile }}{% include b.html %}", files={"b.html": "{% autoescape None %}{{ hostile }}"}),
    case("{% autoescape None %}{{ hostile }}{% include b.html %}", files={"b.html": "{{ hostile }}"}),
    case("{% extends base.html %}{% autoescape None %}{% block body %}{{ hostile }}{% end %}", files={"base.html": BASE}),
    case("{% extends base.html %}{% block body %}{{ hostile }}{% end %}", files={"base.html": "{% autoescape None %}" + BASE + "{{ hostile }}"}),
    case("{% set v = 1 %}{% include b.html %}{{ v }}", files={"b.html": "{% set v = 2 %}"}),
    case("{% extends base.html %}{% block part %}X{% end %}", files={"base.html": "{% include part.html %}", "part.html": "{% block part %}P{% end %}"}),
    case("{% block a %}1{% end %}{% block b %}2{% end %}"),
    case("{% block a %}[{% block b %}2{% end %}]{% end %}"),
    case("{% include b.txt %}", files={"b.txt": "  a   b  "}),
    case("{% extends \"sub/base.html\" %}{% block x %}{% include y.html %}{% end %}",
         files={"sub/base.html": "{% include z.html %}{% block x %}{% end %}", "sub/z.html": "Z", "y.html": "Y"}),
    case("{% extends base.html %}{% block row %}{{ w }}!{% end %}", files={"base.html": "{% for w in words %}{% block row %}{% end %}{% end %}"}),
]

SAME = (NAMES + LITERALS + OPERATORS + COMPARISONS + SUBSCRIPTS + STRING_METHODS + CONTAINER_METHODS + BUILTINS + TORNADO_FUNCTIONS +
        PERCENT + FORMAT + STATEMENTS + PAGES + FILES)

FAILS = [case(text) for text in (
    "{{ missing }}", "{{ }}", "{{ 1 +", "{{ 1 + }}", "{% if %}{% end %}", "{% if yes %}", "{% end %}", "{% else %}", "{% for x %}{% end %}", "{% nope %}",
    "{% %}", "{# a", "{% break %}", "{% continue %}", "{% if yes %}{% else %}{% else %}{% end %}", "{{ 1 / 0 }}", "{{ 1 + 'a' }}", "{{ 'a' + 1 }}",
    "{{ 'a' < 1 }}", "{{ numbers[99] }}", "{{ prices['x'] }}", "{{ user.nope }}", "{{ n() }}", "{{ len() }}", "{{ len(1) }}", "{{ int('a') }}",
    "{{ '%d' % 'a' }}", "{{ '%s %s' % 1 }}", "{{ '%s' % (1, 2) }}", "{{ '{} {}'.format(1) }}", "{{ '{'.format() }}", "{{ '{:z}'.format(1) }}",
    "{% set a, b = 1, 2, 3 %}", "{% set a, b = 5 %}", "{% for a, b in [1] %}{% end %}", "{% for i in n %}{% end %}", "{% apply shout %}", "{% apply %}{% end %}",
    "{% block %}{% end %}", "{% include %}", "{% include nope.html %}", "{% extends nope.html %}", "{% extends %}", "{% set %}",
    "{% whitespace nope %}", "{% module Nope() %}", "{% try %}{{ nope }}{% except KeyError %}{% end %}", "{% try %}{{ nope }}{% finally %}x{% end %}",
    "{{ [].index(1) }}", "{{ 'a'.index('b') }}", "{{ max([]) }}", "{{ sorted([1, 'a']) }}", "{{ ','.join([1]) }}", "{{ x[0] }}", "{{ -'a' }}", "{{ ~1.5 }}",
    "{{ 'abc'['a'] }}", "{{ [1][1.0] }}", "{{ {[]: 1} }}", "{{ range(1, 2, 0) }}", "{{ numbers[::0] }}", "{{ round('a') }}", "{{ chr(-1) }}",
    "{{ 1 if yes }}", "{{ name.upper( }}", "{{ a b }}", "{{ 'abc }}", "{{ 1 in 2 }}", "{{ (1 }}", "{{ [1 }}", "{% apply shout %}{% break %}{% end %}",
    "{% for i in numbers %}{% apply shout %}{% break %}{% end %}{% end %}", "{% include t.html %}", "{% extends t.html %}", "{{ 5 % 0 }}", "{{ 0 ** -1 }}",
    "{{ ''.split('') }}", "{{ json_encode(len) }}", "{{ 08 }}",
)] + [case("{% include b.html %}", files={"b.html": "{{ nope }}"}), case("{% extends b.html %}{% block x %}{{ nope }}{% end %}", files={"b.html": "{% block x %}{% end %}"})]


def different(reason, text, tornado, data=None, **more):
    return case(text, data=data, reason=reason, tornado=tornado, **more)


CONTEXT = "a value is escaped for the place where it stands"
REFUSED = "a value is refused where no escaping is safe"
UNSUPPORTED = "a template is no Python program"

DIFFERENT = [
    different(CONTEXT, "<a href=\"{{ u }}\">", "<a href=\"javascript:alert(1)\">", {"u": "javascript:alert(1)"}, caropig="<a href=\"about:invalid#blocked\">"),
    different(CONTEXT, "<script>var s = {{ s }};</script>", "<script>var s = a&quot;b;</script>", {"s": "a\"b"}, caropig="<script>var s = \"a\\\"b\";</script>"),
    different(CONTEXT, "<script>var s = '{{ s }}';</script>", "<script>var s = '\\';</script>", {"s": "\\"}, caropig="<script>var s = '\\\\';</script>"),
    different(CONTEXT, "<script>var s = {{ json_encode(s) }};</script>", "<script>var s = [&quot;a&quot;];</script>", {"s": ["a"]},
              caropig="<script>var s = [\"a\"];</script>"),
    different(CONTEXT, "<script>var s = {{ s }};</script>", "<script>var s = None;</script>", {"s": None}, caropig="<script>var s = null;</script>"),
    different(CONTEXT, "<p style=\"color: {{ c }}\">", "<p style=\"color: red; background: url(//evil)\">", {"c": "red; background: url(//evil)"},
              caropig="<p style=\"color: blocked\">"),
    different(REFUSED, "<p class={{ c }}>", "<p class=a>", {"c": "a"}, error="has no quotes"),
    different(REFUSED, "<p {{ c }}>", "<p a>", {"c": "a"}, error="the name of an attribute"),
    different(REFUSED, "<{{ c }}>", "<a>", {"c": "a"}, error="the name of a tag"),
    different(REFUSED, "<p onclick=\"f('{{ c }}')\">", "<p onclick=\"f('a')\">", {"c": "a"}, error="event handler"),
    different(REFUSED, "{% if c %}<a title=\"{% else %}<a>{% end %}{{ c }}", "<a title=\"a", {"c": "a"}, error="branches"),
    different(UNSUPPORTED, "{% import math %}{{ math.pi }}", "3.141592653589793", {}, error="'import' is not supported"),
    different(UNSUPPORTED, "{% from math import pi %}{{ pi }}", "3.141592653589793", {}, error="'import' is not supported"),
    different(UNSUPPORTED, "{{ [i for i in range(2)] }}", "[0, 1]", {}, error="comprehensions"),
    different(UNSUPPORTED, "{{ sum(i for i in range(3)) }}", "3", {}, error="comprehensions"),
    different(UNSUPPORTED, "{{ (lambda: 1)() }}", "1", {}, error="lambda is not supported"),
    different(UNSUPPORTED, "{{ {1, 2} }}", "{1, 2}", {}, error="sets are not supported"),
    different(UNSUPPORTED, "{{ b'a' }}", "a", {}, error="bytes literals"),
    different(UNSUPPORTED, "{{ len(*[[1]]) }}", "1", {}, error="'*' and '**'"),
    different(UNSUPPORTED, "{{ (y := 3) }}", "3", {}, error="':=' is not supported"),
    different(UNSUPPORTED, "{% set d = {} %}{% set d['a'] = 1 %}{{ d['a'] }}", "1", {}, error="only names"),
    different("integers have 64 bits", "{{ 2 ** 64 }}", "18446744073709551616", {}, error="beyond 64 bits"),
    different("the module datetime is not there", "{{ datetime.datetime(2020, 1, 2).year }}", "2020", {}, error="datetime is not supported"),
    different("functions get text, not bytes", "{% apply squeeze %}a   b{% end %}", "TypeError", {}, caropig="a b"),
    different("a name that is not assigned yet is that of the data", "{% set a = a + 1 %}{{ a }}", "UnboundLocalError", {"a": 1}, caropig="2"),
    different("a member may have the name of a method", "{{ o.items[0] }}", "TypeError", {"o": {"items": [5]}}, caropig="5"),
    different("an expression assigns nothing", "{{ a = 1 }}", "1", {}, error="not an assignment"),
    different("{% autoescape %} needs a name", "{% autoescape %}{{ 1 }}", "1", {}, error="lacks the name of a function"),
    different("tags may be separated by any whitespace", "{% if\nyes %}a{% end %}", "ParseError", {"yes": True}, caropig="a"),
    different("an expression may have several lines", "{{ 1 +\n 2 }}", "SyntaxError", {}, caropig="3"),
]
