package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	gofs "io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sys/unix"
)

// localEntry is one entry of an entries file.
type localEntry struct {
	Path    string `json:"path"`
	Type    string `json:"type"`
	Mode    uint32 `json:"mode"`
	Size    int64  `json:"size"`
	MtimeNs int64  `json:"mtimeNs"`
	Link    string `json:"link"`
}

// localErrors keeps what was found wrong with local files while they were sent, and ends the job: fsutil's sender
// has no way to tell the other side that a file cannot be read, both would wait for each other.
type localErrors struct {
	mu    sync.Mutex
	first *rpcError
	abort context.CancelCauseFunc
}

func (l *localErrors) changed(path, why string) error {
	e := &rpcError{Code: "CHANGED", Message: fmt.Sprintf("%s changed while it was read: %s", path, why), Path: path}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		l.first = e
		if l.abort != nil {
			l.abort(e)
		}
	}
	return e
}

func (l *localErrors) found() *rpcError {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}

func openLocal(l localSource, errs *localErrors) (fsutil.FS, error) {
	if l.Dir != "" {
		return fsutil.NewFS(l.Dir)
	}
	data, err := os.ReadFile(l.Entries)
	if err != nil {
		return nil, err
	}
	var entries []localEntry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Entries, err)
	}
	return newListedFS(l.Root, entries, errs)
}

// listedFS serves exactly the listed entries below a directory. It is what was seen when the list was made:
// a file that is no longer so is refused, not sent.
type listedFS struct {
	root    string
	entries []localEntry // in the order of a walk, parents first
	byPath  map[string]*localEntry
	errs    *localErrors
}

func newListedFS(root string, list []localEntry, errs *localErrors) (*listedFS, error) {
	fs := &listedFS{root: root, byPath: make(map[string]*localEntry, len(list)), errs: errs}
	for _, e := range list {
		if e.Path == "" || path.Clean(e.Path) != e.Path || path.IsAbs(e.Path) || e.Path == "." || e.Path == ".." || strings.HasPrefix(e.Path, "../") {
			return nil, fmt.Errorf("%q is not a clean relative path", e.Path)
		}
		switch e.Type {
		case "file", "dir", "symlink":
		default:
			return nil, fmt.Errorf("%s: unknown type %q", e.Path, e.Type)
		}
		if fs.byPath[e.Path] != nil {
			return nil, fmt.Errorf("%s is listed twice", e.Path)
		}
		fs.byPath[e.Path] = &e
	}
	for _, e := range list {
		for dir := path.Dir(e.Path); dir != "."; dir = path.Dir(dir) {
			parent := fs.byPath[dir]
			if parent == nil {
				fs.byPath[dir] = &localEntry{Path: dir, Type: "dir", Mode: 0o755}
			} else if parent.Type != "dir" {
				return nil, fmt.Errorf("%s is listed below %s, which is not a directory", e.Path, dir)
			}
		}
	}
	fs.entries = make([]localEntry, 0, len(fs.byPath))
	for _, e := range fs.byPath {
		fs.entries = append(fs.entries, *e)
	}
	// A walk gives a directory's contents right after it: order by path component, not by byte.
	slices.SortFunc(fs.entries, func(a, b localEntry) int { return comparePaths(a.Path, b.Path) })
	return fs, nil
}

func comparePaths(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			switch {
			case a[i] == '/':
				return -1
			case b[i] == '/':
				return 1
			}
			return cmp.Compare(a[i], b[i])
		}
	}
	return cmp.Compare(len(a), len(b))
}

func (fs *listedFS) Walk(ctx context.Context, target string, fn gofs.WalkDirFunc) error {
	target = strings.Trim(path.Clean("/"+target), "/")
	skip := ""
	for _, e := range fs.entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if target != "" && e.Path != target && !strings.HasPrefix(e.Path, target+"/") {
			continue
		}
		if skip != "" && strings.HasPrefix(e.Path, skip) {
			continue
		}
		err := fn(e.Path, &fsutil.DirEntryInfo{Stat: e.stat()}, nil)
		if errors.Is(err, gofs.SkipDir) {
			if e.Type == "dir" {
				skip = e.Path + "/"
			} else if skip = path.Dir(e.Path) + "/"; skip == "./" {
				return nil
			}
			continue
		}
		if errors.Is(err, gofs.SkipAll) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *localEntry) stat() *types.Stat {
	mode := os.FileMode(e.Mode & 0o777)
	for bit, m := range map[uint32]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if e.Mode&bit != 0 {
			mode |= m
		}
	}
	st := &types.Stat{Path: e.Path, ModTime: e.MtimeNs}
	switch e.Type {
	case "dir":
		mode |= os.ModeDir
	case "symlink":
		mode = os.ModeSymlink | 0o777
		st.Linkname = e.Link
	default:
		st.Size = e.Size
	}
	st.Mode = uint32(mode)
	return st
}

// Open gives a listed file's contents. fsutil sends an empty file where Open fails, so what is wrong is
// said by the reader.
func (fs *listedFS) Open(name string) (io.ReadCloser, error) {
	name = strings.Trim(path.Clean("/"+name), "/")
	e := fs.byPath[name]
	if e == nil || e.Type != "file" {
		return failing{fs.errs.changed(name, "it is not a listed file")}, nil
	}
	f, err := openBelow(fs.root, name)
	if err != nil {
		return failing{fs.errs.changed(name, err.Error())}, nil
	}
	r := &listedFile{File: f, entry: e, errs: fs.errs, left: e.Size}
	if err := r.check(); err != nil {
		f.Close()
		return failing{err}, nil
	}
	return r, nil
}

// openBelow opens a file below root; no component of its path may be a symbolic link.
func openBelow(root, name string) (*os.File, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(dir, name, &how)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		fd, err = openSteps(dir, name)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// openSteps is openBelow for kernels and sandboxes without openat2: one component at a time.
func openSteps(dir int, name string) (int, error) {
	parts := strings.Split(name, "/")
	at := dir
	for i, part := range parts {
		flags := unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
		if i == len(parts)-1 {
			flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
		}
		fd, err := unix.Openat(at, part, flags, 0)
		if at != dir {
			unix.Close(at)
		}
		if err != nil {
			return -1, err
		}
		at = fd
	}
	return at, nil
}

type listedFile struct {
	*os.File
	entry *localEntry
	errs  *localErrors
	left  int64
}

// check compares the open file with its entry.
func (f *listedFile) check() error {
	st, err := f.Stat()
	switch {
	case err != nil:
		return f.errs.changed(f.entry.Path, err.Error())
	case !st.Mode().IsRegular():
		return f.errs.changed(f.entry.Path, "it is no longer a regular file")
	case st.Size() != f.entry.Size:
		return f.errs.changed(f.entry.Path, fmt.Sprintf("it had %d bytes and has %d now", f.entry.Size, st.Size()))
	case f.entry.MtimeNs != 0 && !sameTime(st.ModTime(), f.entry.MtimeNs):
		return f.errs.changed(f.entry.Path, "it was written to")
	}
	return nil
}

// sameTime allows for a list whose times went through JavaScript numbers: these are exact to about 256 ns.
func sameTime(t time.Time, ns int64) bool {
	d := t.UnixNano() - ns
	return d < 1000 && d > -1000
}

// Read refuses contents of another length, and looks once more at the end: the file may have been written to while it was read.
func (f *listedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.left -= int64(n)
	if f.left < 0 {
		return 0, f.errs.changed(f.entry.Path, "it grew")
	}
	if err == io.EOF {
		if f.left > 0 {
			return 0, f.errs.changed(f.entry.Path, "it shrank")
		}
		if err := f.check(); err != nil {
			return 0, err
		}
	}
	return n, err
}

// failing is a file that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (f failing) Close() error             { return nil }
