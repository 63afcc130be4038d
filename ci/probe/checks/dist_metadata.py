"""The metadata of an sdist and its wheel: what an index or an installer would refuse, and what people miss."""

import io
import re
import tomllib

from packaging.metadata import Metadata, parse_email
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version


def check_metadata(sdist, wheel, found, licences):
    """Gives the wheel's raw metadata. `found(rule, message, …)` takes a finding."""
    raws = {}
    for archive, text in ((sdist, sdist.text("PKG-INFO")), (wheel, wheel.about("METADATA"))):
        if text is None:
            found("metadata", "%s has no metadata" % archive.file)
            raws[archive] = {}
            continue
        raws[archive] = valid(archive, text, found)
    agree(sdist, wheel, raws, found)
    raw = raws[wheel]
    if raw:
        readme(raw, found)
        licence(sdist, wheel, raw, found, licences)
        if not raw.get("requires_python"):
            found("requires-python", "it says nothing about the Python it needs (requires-python)", severity="warning")
        dependencies(raw, found)
        classifiers(raw, found)
    return raw


def valid(archive, text, found):
    raw, unparsed = parse_email(text)
    for field in sorted(unparsed):
        found("metadata", "%s: the field %s is not known" % (archive.file, field), severity="warning")
    try:
        Metadata.from_raw(raw)
    except ExceptionGroup as group:
        for error in group.exceptions:
            found("metadata", "%s: %s" % (archive.file, str(error).split("\n")[0]))
    return raw


def agree(sdist, wheel, raws, found):
    """One name and one version: in the names of the files, in their metadata, and in pyproject.toml."""
    said = []
    for archive, parse in ((sdist, parse_sdist_filename), (wheel, parse_wheel_filename)):
        try:
            name, version = parse(archive.file)[:2]
            said.append((archive.file, name, str(version)))
        except (InvalidSdistFilename, InvalidWheelFilename) as error:
            found("name", str(error).split("\n")[0])
        raw = raws[archive]
        if raw.get("name") and raw.get("version"):
            said.append(("the metadata of %s" % archive.file, canonicalize_name(raw["name"]), plain(raw["version"])))
    project = pyproject(sdist)
    if isinstance(project.get("name"), str):
        version = project.get("version")
        said.append(("pyproject.toml", canonicalize_name(project["name"]), plain(version) if isinstance(version, str) else None))
    for rule, index in (("name", 1), ("version", 2)):
        values = {entry[index] for entry in said if entry[index] is not None}
        if len(values) > 1:
            who = ", ".join("%s in %s" % (entry[index], entry[0]) for entry in said if entry[index] is not None)
            found(rule, "the %ss differ: %s" % (rule, who))
    name = raws[wheel].get("name")
    if name and not sdist.file.startswith(canonicalize_name(name).replace("-", "_") + "-"):
        found("name", "%s is not named as PEP 625 asks; newer build backends do that" % sdist.file, severity="warning")
    if "+" in (raws[wheel].get("version") or ""):
        found("version", "%s is a local version: indexes refuse it" % raws[wheel]["version"], severity="warning")


def plain(version):
    try:
        return str(Version(version))
    except InvalidVersion:
        return version


def pyproject(sdist):
    try:
        project = tomllib.loads(sdist.text("pyproject.toml") or "").get("project")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return project if isinstance(project, dict) else {}


def readme(raw, found):
    """As `twine check` has it: an index shows reStructuredText with an error in it as plain text, or refuses it."""
    text = raw.get("description") or ""
    if not text.strip() or text.strip() == "UNKNOWN":
        found("readme", "it has no long description (readme)", severity="warning")
        return
    kind = (raw.get("description_content_type") or "").split(";")[0].strip().lower()
    if kind in ("text/markdown", "text/plain"):
        return
    if kind not in ("", "text/x-rst"):
        found("readme", "%s is not a content type that indexes can show" % kind)
        return
    from readme_renderer import rst

    warnings = io.StringIO()
    if rst.render(text, stream=warnings) is None:
        first = next((line for line in warnings.getvalue().splitlines() if line.strip()), "it cannot be rendered")
        first = re.sub(r"^<string>:(\d+): \((\w+)/\d\) ", r"line \1: ", first)
        guess = "" if kind else "; it has no content type, so it is taken for reStructuredText"
        found("readme", "the long description cannot be shown: %s%s" % (first, guess))


LICENCE = re.compile(r"(^|/)(licen[cs]es?|copying)([.-][^/]*)?$", re.IGNORECASE)


def licence(sdist, wheel, raw, found, licences):
    named = raw.get("license_files") or []
    strict = tuple(int(part) for part in re.findall(r"\d+", raw.get("metadata_version") or "2.1")) >= (2, 4)
    for name in named:
        places = ["%s/licenses/%s" % (wheel.info, name)]
        if not strict:
            places += ["%s/%s" % (wheel.info, name), "%s/%s" % (wheel.info, name.rsplit("/", 1)[-1])]
        if not any(place in wheel.names for place in places):
            found("license", "License-File names %s, which is not in the wheel" % name, severity="error" if strict else "warning")
        if name not in sdist.names:
            found("license", "License-File names %s, which is not in the sdist" % name, severity="error" if strict else "warning")
    in_wheel = any(LICENCE.search(name) for name in wheel.names)
    files = [name for name in licences if LICENCE.match(name)]
    for name in files:
        if name not in sdist.names:
            found("license", "%s is not in the sdist" % name, severity="warning")
    if files and not in_wheel:
        found("license", "the wheel has no licence file, though the project has %s" % ", ".join(files), severity="warning")
    spoken = raw.get("license") or raw.get("license_expression")
    listed = [entry for entry in raw.get("classifiers") or [] if entry.startswith("License ::")]
    if not spoken and not listed and not in_wheel:
        found("license", "nothing says under which licence it is", severity="warning")
    if raw.get("license_expression") and listed:
        message = "it has a licence expression and the classifier %s: the expression replaces it (PEP 639)"
        found("license", message % listed[0], severity="warning")


def dependencies(raw, found):
    for line in raw.get("requires_dist") or []:
        url = line.partition(" @ ")[2].strip()
        if url.startswith("file:"):
            found("dependency", "%s is a path on the machine that built it: nobody else can install that" % line)
        elif url:
            found("dependency", "%s is a URL: public indexes refuse that" % line, severity="warning")


def classifiers(raw, found):
    for entry in raw.get("classifiers") or []:
        if entry.startswith("Private ::"):
            found("classifier", "%s: public indexes refuse it, as is meant" % entry, severity="note")
