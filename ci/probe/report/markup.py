"""Pieces of HTML. Every text goes through `html` on its way in."""

from text import html, plain

COLOURS = {"passed": "#1f8a52", "failed": "#cf3438", "errored": "#b7791f"}
WORDS = {"passed": "passed", "failed": "failed", "errored": "could not run", "skipped": "skipped"}


def icon(state):
    """A sign that does not depend on colour, with its word for who does not see it."""
    return '<svg class="icon %s" role="img" aria-label="%s"><use href="#i-%s"/></svg>' % (state, WORDS[state], state)


def bar(share, state=""):
    """A bar of a share of its room. An attribute, as the page allows no inline styles."""
    return (
        '<svg class="bar %s" aria-hidden="true"><rect class="track" width="100%%" height="100%%"/>'
        '<rect class="fill" width="%.2f%%" height="100%%"/></svg>' % (state, 100 * min(1.0, max(0.0, share)))
    )


def section(name, title, body, count=None):
    counted = "" if count is None else ' <span class="count">%s</span>' % html(str(count))
    return '<section id="%s" aria-labelledby="h-%s">\n<h2 id="h-%s">%s%s</h2>\n%s\n</section>\n' % (
        name, name, name, html(title), counted, body,
    )  # fmt: skip


def table(caption, heads, rows, kind=""):
    """`heads` are (text, class), cells are HTML. One of the kind "stacked" is a list on a narrow screen."""
    # Said once more, as browsers take the roles away from tables that are laid out in another way.
    role = ' role="%s"' if kind == "stacked" else "%.0s"
    head = "".join('<th scope="col"%s class="%s"><span>%s</span></th>' % (role % "columnheader", cls, html(text)) for text, cls in heads)
    body = ""
    for row in rows:
        first, *rest = row
        cells = "".join('<td%s class="%s">%s</td>' % (role % "cell", cls, cell) for (_, cls), cell in zip(heads[1:], rest))
        name = '<th scope="row"%s class="%s">%s</th>' % (role % "rowheader", heads[0][1], first)
        body += "<tr%s>%s%s</tr>\n" % (role % "row", name, cells)
    group = role % "rowgroup"
    return (
        '<div class="scroll" tabindex="0" role="group" aria-label="%s"><table%s class="%s"><caption class="unseen">%s</caption>'
        "<thead%s><tr%s>%s</tr></thead><tbody%s>\n%s</tbody></table></div>"
        % (html(caption), role % "table", kind, html(caption), group, role % "row", head, group, body)
    )


def output(title, parts):
    """What something printed: (beginning, characters left out, end)."""
    first, left_out, last = parts
    text = lines(plain(first))
    if left_out:
        note = "… %s left out here: all of it is in the folder junit" % size(left_out)
        text += '\n<span class="note">%s</span>\n%s' % (note, lines(plain(last)))
    return '<figure><figcaption>%s</figcaption><pre tabindex="0" role="group" aria-label="%s"><code>%s</code></pre></figure>' % (
        html(title), html(title), text,
    )  # fmt: skip


def lines(text):
    """Lines of a traceback, with what went wrong marked."""
    return "\n".join(marked(line) for line in text.strip("\n").split("\n"))


def marked(line):
    if line.startswith("E  "):
        return '<span class="e">%s</span>' % html(line)
    if line.startswith(">  "):
        return '<span class="at">%s</span>' % html(line)
    return html(line)


def time(seconds):
    """`0.4 s`, `12 s`, `3 min 05 s`"""
    if seconds < 0.0995:
        return "%d ms" % round(seconds * 1000)
    if seconds < 9.95:
        return "%.1f s" % seconds
    return "%d s" % round(seconds) if seconds < 59.5 else "%d min %02d s" % divmod(round(seconds), 60)


def size(characters):
    for unit, divisor in (("MB", 1_000_000), ("kB", 1000)):
        if characters >= divisor:
            return "%.1f %s" % (characters / divisor, unit)
    return "%d characters" % characters


def number(count):
    """`12,345`"""
    return "{:,}".format(count)


def percent(rate):
    """Never 100 % where something is missing."""
    return "%.0f %%" % (100 if rate >= 1 else min(99, rate * 100))
