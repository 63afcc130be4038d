package main

import (
	"context"
	"errors"
	"io"
	gofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

func listed(t *testing.T, root string, entries ...localEntry) (*listedFS, *localErrors) {
	t.Helper()
	errs := &localErrors{}
	fs, err := newListedFS(root, entries, errs)
	if err != nil {
		t.Fatal(err)
	}
	return fs, errs
}

func put(t *testing.T, root, name, text string) localEntry {
	t.Helper()
	file := filepath.Join(root, name)
	os.MkdirAll(filepath.Dir(file), 0o755)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	st, _ := os.Stat(file)
	return localEntry{Path: name, Type: "file", Mode: 0o644, Size: st.Size(), MtimeNs: st.ModTime().UnixNano()}
}

// fsutil's receiver refuses paths that are not in the order of a walk.
func TestListedFSWalksInOrder(t *testing.T) {
	names := []string{"b", "a/b/c", "a-b", "a/b-c", "a", "a/b", "a.b", "é", "a/b/c2"}
	var entries []localEntry
	for _, n := range names {
		e := localEntry{Path: n, Type: "file"}
		if n == "a" || n == "a/b" {
			e.Type = "dir"
		}
		entries = append(entries, e)
	}
	fs, _ := listed(t, t.TempDir(), entries...)
	var walked []string
	validator := &fsutil.Validator{}
	err := fs.Walk(context.Background(), "/", func(p string, d gofs.DirEntry, err error) error {
		walked = append(walked, p)
		info, _ := d.Info()
		return validator.HandleChange(fsutil.ChangeKindAdd, p, info, err)
	})
	if got, want := strings.Join(walked, " "), "a a/b a/b/c a/b/c2 a/b-c a-b a.b b é"; err != nil || got != want {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
	walked = nil
	fs.Walk(context.Background(), "/", func(p string, d gofs.DirEntry, _ error) error {
		walked = append(walked, p)
		if d.IsDir() {
			return gofs.SkipDir
		}
		return nil
	})
	if got := strings.Join(walked, " "); got != "a a-b a.b b é" {
		t.Errorf("with SkipDir: %s", got)
	}
}

func TestListedFSStats(t *testing.T) {
	fs, _ := listed(t, t.TempDir(),
		localEntry{Path: "d/f", Type: "file", Mode: 0o4755, Size: 5, MtimeNs: 7}, localEntry{Path: "l", Type: "symlink", Mode: 0o600, Link: "d/f", Size: 3})
	got := map[string]*types.Stat{}
	fs.Walk(context.Background(), "", func(p string, d gofs.DirEntry, _ error) error {
		info, _ := d.Info()
		got[p] = info.Sys().(*types.Stat)
		return nil
	})
	if d := got["d"]; os.FileMode(d.Mode) != os.ModeDir|0o755 || d.Uid != 0 {
		t.Errorf("a parent that is not listed: %v", d)
	}
	if f := got["d/f"]; os.FileMode(f.Mode) != os.ModeSetuid|0o755 || f.Size != 5 || f.ModTime != 7 {
		t.Errorf("%v", f)
	}
	if l := got["l"]; os.FileMode(l.Mode) != os.ModeSymlink|0o777 || l.Linkname != "d/f" || l.Size != 0 {
		t.Errorf("%v", l)
	}
}

func TestListedFSRefuses(t *testing.T) {
	read := func(fs *listedFS, name string) (string, error) {
		f, err := fs.Open(name)
		if err != nil {
			t.Fatal("fsutil sends an empty file where Open fails")
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		return string(data), err
	}
	for name, c := range map[string]struct {
		change func(root string)
		why    string
	}{
		"nothing":        {func(string) {}, ""},
		"a later time":   {func(r string) { os.Chtimes(filepath.Join(r, "d/f"), time.Unix(9, 0), time.Unix(9, 0)) }, "d/f changed while it was read: it was written to"},
		"another length": {func(r string) { os.WriteFile(filepath.Join(r, "d/f"), []byte("longer"), 0o644) }, "d/f changed while it was read: it had 4 bytes and has 6 now"},
		"gone":           {func(r string) { os.Remove(filepath.Join(r, "d/f")) }, "d/f changed while it was read: no such file or directory"},
		"a link":         {func(r string) { os.Remove(filepath.Join(r, "d/f")); os.Symlink("/etc/passwd", filepath.Join(r, "d/f")) }, "d/f changed while it was read: too many levels of symbolic links"},
		"a directory":    {func(r string) { os.Remove(filepath.Join(r, "d/f")); os.Mkdir(filepath.Join(r, "d/f"), 0o755) }, "d/f changed while it was read: it is no longer a regular file"},
		"a link on the way": {func(r string) {
			os.Rename(filepath.Join(r, "d"), filepath.Join(r, "e"))
			os.Symlink("e", filepath.Join(r, "d"))
		}, "d/f changed while it was read: too many levels of symbolic links"},
	} {
		root := t.TempDir()
		fs, errs := listed(t, root, put(t, root, "d/f", "text"))
		c.change(root)
		text, err := read(fs, "d/f")
		if c.why == "" {
			if err != nil || text != "text" || errs.found() != nil {
				t.Errorf("%s: %q %v", name, text, err)
			}
			continue
		}
		var e *rpcError
		if !errors.As(err, &e) || e.Code != "CHANGED" || e.Path != "d/f" || e.Message != c.why || errs.found() != e {
			t.Errorf("%s: %v", name, err)
		}
	}
	root := t.TempDir()
	fs, _ := listed(t, root, put(t, root, "a", "text"))
	put(t, root, "b", "secret")
	for _, name := range []string{"b", "../b", "/etc/passwd", "a/../b"} {
		if text, err := read(fs, name); err == nil {
			t.Errorf("%s can be read: %q", name, text)
		}
	}
	// While it is read.
	e := put(t, root, "c", strings.Repeat("x", 100))
	fs, errs := listed(t, root, e)
	f, _ := fs.Open("c")
	f.Read(make([]byte, 10))
	os.WriteFile(filepath.Join(root, "c"), []byte("short"), 0o644)
	if _, err := io.ReadAll(f); err == nil || errs.found() == nil {
		t.Error("a file that shrinks is sent")
	}
}

func TestOpenSteps(t *testing.T) {
	root := t.TempDir()
	put(t, root, "d/e/f", "text")
	os.Symlink("d", filepath.Join(root, "l"))
	dir, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	fd, err := openSteps(int(dir.Fd()), "d/e/f")
	if err != nil {
		t.Fatal(err)
	}
	os.NewFile(uintptr(fd), "").Close()
	if _, err := openSteps(int(dir.Fd()), "l/e/f"); err == nil {
		t.Error("a link on the way is followed")
	}
}

func TestBadLists(t *testing.T) {
	for why, entries := range map[string][]localEntry{
		`"/a" is not a clean relative path`:               {{Path: "/a", Type: "file"}},
		`"../a" is not a clean relative path`:             {{Path: "../a", Type: "file"}},
		`"a/" is not a clean relative path`:               {{Path: "a/", Type: "dir"}},
		`"" is not a clean relative path`:                 {{Path: "", Type: "dir"}},
		`a: unknown type "fifo"`:                          {{Path: "a", Type: "fifo"}},
		`a is listed twice`:                               {{Path: "a", Type: "file"}, {Path: "a", Type: "dir"}},
		`a/b is listed below a, which is not a directory`: {{Path: "a/b", Type: "file"}, {Path: "a", Type: "symlink"}},
	} {
		if _, err := newListedFS("/", entries, &localErrors{}); err == nil || err.Error() != why {
			t.Errorf("%v, want %s", err, why)
		}
	}
}
