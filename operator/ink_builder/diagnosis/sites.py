"""Static site generators: Hugo, Jekyll, MkDocs."""

from ink_api.reasons import Reason

from ink_builder.diagnosis.rule import Rule, around

_PLACE = r"\"(?:/app/)?(?P<file>[^\":\n]+):(?P<line>\d+):\d+\": "


def _hugo(text: str) -> str:
    return around(r"[Rr]unning Hugo (\d[\d.]*)|^hugo v(\d[\d.]*)", text, "this one") or around(
        r"^hugo v(\d[\d.]*)", text
    )


RULES = (
    Rule(
        Reason.FILE_NOT_FOUND,
        r"failed to load modules: module \"(?P<name>[^\"]+)\" not found",
        "the theme {name} is not in this commit: add it with `git submodule add URL themes/{name}` (and commit"
        " .gitmodules), or commit its files",
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        rf"failed to load config: {_PLACE}(?:unmarshal failed: )?(?P<words>[^\n]*)",
        "Hugo could not parse {file} line {line}: {words}",
    ),
    Rule(
        Reason.FILE_NOT_FOUND,
        rf"{_PLACE}failed to extract shortcode: template for shortcode \"(?P<name>[^\"]+)\" not found",
        "{file} line {line} uses the shortcode {name}, which neither the site nor its theme has: correct its name, or"
        " add layouts/shortcodes/{name}.html (a theme that is a submodule must be committed as one)",
    ),
    Rule(
        Reason.FILE_NOT_FOUND,
        rf"{_PLACE}execute of template failed: [^\n]*partial \"(?P<name>[^\"]+)\" not found",
        "{file} line {line} uses the partial {name}, which neither the site nor its theme has: correct its name, or add"
        " layouts/partials/{name}",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"(?P<post>POSTCSS)[^\n]*(?:need to install PostCSS|binary with name[^\n]*not found)|(?P<sass>TOCSS)[^\n]*binary with name[^\n]*not found",
        lambda m, _text: (
            "the styles need PostCSS, which is not installed: add postcss, postcss-cli and autoprefixer to package.json"
            if m["post"]
            else "the styles need Dart Sass, which is not installed: add sass-embedded to package.json"
        ),
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        rf"{_PLACE}(?:parse|execute) of template failed: [^\n]*?(?P<words>function \"[^\"]+\" not defined|can't evaluate field \S+ in type \S+)",
        lambda m, text: (
            f"{m['file']} line {m['line']}: {m['words']} in Hugo {_hugo(text)}: correct the template, or set the version of"
            " Hugo that it was written for in .hugo-version"
        ),
    ),
    Rule(
        Reason.COMPILE_FAILED,
        rf"ERROR (?:error building site|render)(?![^\n]*dial tcp)[^\n]*?{_PLACE}(?P<words>[^\n]*)",
        "Hugo could not build {file} line {line}: {words}",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"Liquid (?:Exception|syntax error): (?P<words>[^\n]*?) in (?:/app/)?(?P<file>[^\s:]+)",
        "Jekyll could not build {file}: {words}",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"YAML Exception reading (?:/app/)?(?P<file>\S+): (?P<words>[^\n]*)",
        "the front matter of {file} is not valid YAML: {words}",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"Config value '(?:plugins|theme)': (?:The \"(?P<plugin>[^\"]+)\" plugin is not installed|Unrecognised theme name: '(?P<theme>[^']+)')",
        "MkDocs needs {plugin}{theme}, which is not installed: add its package to requirements.txt (the name usually starts with"
        " mkdocs-)",
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"MkDocs encountered an error parsing the configuration file: (?P<words>[^\n]*)",
        "mkdocs.yml is not valid: {words}",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^Aborted with (?P<count>\d+) warnings? in strict mode",
        lambda m, text: (
            f"MkDocs treats warnings as errors here (strict mode) and reports {m['count']}: "
            + around(r"^WARNING -  (?:Doc file )?([^\n]*)", text, "see the log")
        ),
    ),
)
