package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// fileDigest is the digest of a file's contents and, unless these are excluded, its mode and owner. Name and times do not count.
func fileDigest(at, name string, contentsOnly bool) (string, error) {
	st, err := os.Lstat(at)
	if err != nil {
		return "", asAsked(err, name)
	}
	if st.IsDir() {
		return "", &os.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	sum := sha256.New()
	if !contentsOnly {
		sys := st.Sys().(*syscall.Stat_t)
		fmt.Fprintf(sum, "%o %d %d\n", sys.Mode, sys.Uid, sys.Gid)
	}
	if err := hashContents(sum, at, st.Mode()); err != nil {
		return "", asAsked(err, name)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// treeDigest is the digest of what is in a directory: names, types, modes, owners, contents, link targets. Times, and the mode
// of the directory itself, do not count: a subdirectory has the digest of the same tree elsewhere.
func treeDigest(at, name string) (string, error) {
	if err := requireDir(at, name); err != nil {
		return "", err
	}
	sum := sha256.New()
	err := walk(at, func(rel string, d fs.DirEntry) error {
		file := filepath.Join(at, rel)
		st, err := os.Lstat(file)
		if err != nil {
			return err
		}
		sys := st.Sys().(*syscall.Stat_t)
		fmt.Fprintf(sum, "%d:%s %o %d %d %d\n", len(rel), rel, sys.Mode, sys.Uid, sys.Gid, contentSize(st))
		return hashContents(sum, file, st.Mode())
	})
	if err != nil {
		return "", asAsked(err, name)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

func contentSize(st fs.FileInfo) int64 {
	if st.IsDir() {
		return 0
	}
	return st.Size()
}

func hashContents(sum hash.Hash, file string, mode fs.FileMode) error {
	switch {
	case mode.IsRegular():
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(sum, f)
		return err
	case mode&fs.ModeSymlink != 0:
		target, err := os.Readlink(file)
		io.WriteString(sum, target)
		return err
	}
	return nil
}

// treeChanges is what became of a tree.
type treeChanges struct {
	Added    []string `json:"added"`
	Modified []string `json:"modified"`
	Removed  []string `json:"removed"`
}

// compareTrees lists what differs. Of a removed directory only itself is told, of an added one everything in it.
func compareTrees(before, after string) (*treeChanges, error) {
	for _, dir := range []string{before, after} {
		if err := requireDir(dir, dir); err != nil {
			return nil, err
		}
	}
	c := &treeChanges{Added: []string{}, Modified: []string{}, Removed: []string{}}
	err := walk(after, func(rel string, d fs.DirEntry) error {
		old, err := os.Lstat(filepath.Join(before, rel))
		if notThere(err) {
			c.Added = append(c.Added, shown(rel, d))
			return nil
		}
		if err != nil {
			return err
		}
		if old.IsDir() != d.IsDir() {
			c.Added = append(c.Added, shown(rel, d))
			return nil
		}
		if d.IsDir() {
			return nil
		}
		same, err := sameFile(filepath.Join(before, rel), filepath.Join(after, rel))
		if !same {
			c.Modified = append(c.Modified, rel)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = walk(before, func(rel string, d fs.DirEntry) error {
		now, err := os.Lstat(filepath.Join(after, rel))
		if err != nil && !notThere(err) {
			return err
		}
		if err == nil && now.IsDir() == d.IsDir() {
			return nil
		}
		c.Removed = append(c.Removed, shown(rel, d))
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	for _, list := range [][]string{c.Added, c.Modified, c.Removed} {
		slices.Sort(list)
	}
	return c, err
}

func notThere(err error) bool {
	return err != nil && (os.IsNotExist(err) || strings.Contains(err.Error(), syscall.ENOTDIR.Error()))
}

// sameFile compares type, mode, owner and contents of two things that are not directories.
func sameFile(a, b string) (bool, error) {
	sa, err := os.Lstat(a)
	if err != nil {
		return false, err
	}
	sb, err := os.Lstat(b)
	if err != nil {
		return false, err
	}
	xa, xb := sa.Sys().(*syscall.Stat_t), sb.Sys().(*syscall.Stat_t)
	if xa.Mode != xb.Mode || xa.Uid != xb.Uid || xa.Gid != xb.Gid || sa.Size() != sb.Size() {
		return false, nil
	}
	if xa.Dev == xb.Dev && xa.Ino == xb.Ino {
		return true, nil
	}
	switch {
	case sa.Mode().IsRegular():
		return sameContents(a, b)
	case sa.Mode()&fs.ModeSymlink != 0:
		ta, err := os.Readlink(a)
		if err != nil {
			return false, err
		}
		tb, err := os.Readlink(b)
		return ta == tb, err
	}
	return xa.Rdev == xb.Rdev, nil
}

func sameContents(a, b string) (bool, error) {
	fa, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		na, errA := io.ReadFull(fa, bufA)
		nb, errB := io.ReadFull(fb, bufB)
		if !bytes.Equal(bufA[:na], bufB[:nb]) {
			return false, nil
		}
		for _, err := range []error{errA, errB} {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return errA == errB, nil
			}
			if err != nil {
				return false, err
			}
		}
	}
}
