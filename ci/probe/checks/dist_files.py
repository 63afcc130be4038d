"""The files in an sdist or a wheel, read within bounds. Both may hold anything: a build backend wrote them."""

import os
import stat
import tarfile
import zipfile

FILES = 100_000
BYTES = 4_000_000


class Unreadable(Exception):
    """The archive cannot be read at all."""


class Archive:
    """`names` are the regular files, from the archive's root (for an sdist from its one directory)."""

    def __init__(self, path):
        self.file = os.path.basename(path)
        self.size = os.path.getsize(path)
        self.sizes = {}
        #: Entries that lead out of it, or are nothing an installer should make.
        self.strange = []

    @property
    def names(self):
        return self.sizes

    def read(self, name):
        """The bytes of a file; None where there is none or it is too large to look at."""
        if name not in self.sizes or self.sizes[name] > BYTES:
            return None
        return self._read(name)

    def text(self, name):
        data = self.read(name)
        return None if data is None else data.decode("utf-8", "replace")

    def add(self, name, size):
        if len(self.sizes) >= FILES:
            raise Unreadable("it has more than %d files" % FILES)
        self.sizes[name] = size


class Sdist(Archive):
    """A .tar.gz with one directory. `root` is its name."""

    def __init__(self, path):
        super().__init__(path)
        self.root = self.file[: -len(".tar.gz")] if self.file.endswith(".tar.gz") else os.path.splitext(self.file)[0]
        self.members = {}
        try:
            self._archive = tarfile.open(path)
            for member in self._archive:
                self._member(member)
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise Unreadable("it is no tar archive: %s" % error) from error

    def _member(self, member):
        top, _, rest = member.name.partition("/")
        if outside(member.name) or top != self.root:
            self.strange.append("%s is outside of %s/" % (member.name, self.root))
        elif member.issym() or member.islnk():
            base = member.name if member.islnk() else os.path.join(os.path.dirname(member.name), member.linkname)
            target = os.path.normpath(member.linkname if member.islnk() else base)
            if member.linkname.startswith("/") or not (target + "/").startswith(self.root + "/"):
                self.strange.append("%s is a link to %s, outside of the sdist" % (rest, member.linkname))
        elif member.isreg():
            self.add(rest, member.size)
            self.members[rest] = member
        elif not member.isdir():
            self.strange.append("%s is neither a file nor a directory" % rest)

    def _read(self, name):
        return self._archive.extractfile(self.members[name]).read(BYTES)


class Wheel(Archive):
    """`info` is the name of its .dist-info directory."""

    def __init__(self, path):
        super().__init__(path)
        try:
            self._archive = zipfile.ZipFile(path)
            for entry in self._archive.infolist():
                if entry.is_dir():
                    continue
                if outside(entry.filename):
                    self.strange.append("%s is outside of the wheel" % entry.filename)
                elif stat.S_ISLNK(entry.external_attr >> 16):
                    self.strange.append("%s is a link" % entry.filename)
                self.add(entry.filename, entry.file_size)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
            raise Unreadable("it is no zip archive: %s" % error) from error
        found = sorted({name.split("/")[0] for name in self.names if name.split("/")[0].endswith(".dist-info")})
        if len(found) != 1:
            raise Unreadable("it has %d .dist-info directories" % len(found))
        self.info = found[0]

    def _read(self, name):
        return self._archive.read(name)

    def about(self, name):
        """A file of the .dist-info directory."""
        return self.text("%s/%s" % (self.info, name))

    def installed(self):
        """Paths below site-packages that an installer makes, without those of the .dist-info directory."""
        for name in self.names:
            top, _, rest = name.partition("/")
            if top.endswith(".data"):
                kind, _, rest = rest.partition("/")
                if kind in ("purelib", "platlib"):
                    yield rest
            elif top != self.info:
                yield name


def outside(name):
    return name.startswith("/") or ".." in name.split("/") or "\\" in name or (len(name) > 1 and name[1] == ":")
