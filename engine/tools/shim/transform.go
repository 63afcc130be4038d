package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runTransform makes a tree out of another one.
func runTransform(specFile string) int {
	var spec querySpec
	err := readSpec(specFile, &spec)
	if err == nil {
		err = transform(&spec)
	}
	return endQuery(err)
}

func transform(spec *querySpec) error {
	from, err := resolve(orDefault(spec.Src, srcDir), spec.Path, true)
	if err != nil {
		return err
	}
	if err := requireDir(from, spec.Path); err != nil {
		return err
	}
	to := orDefault(spec.Out, outDir)
	switch spec.Op {
	case "gitignore":
		return copyTree(from, to, true)
	case "copy":
		return copyTree(from, to, false)
	default:
		return fmt.Errorf("unknown transformation %q", spec.Op)
	}
}

// copyTree copies what is in a directory, with modes, owners, times, links and file capabilities; optionally without what git
// would ignore. Directories that are empty then stay.
func copyTree(from, to string, withoutIgnored bool) error {
	type times struct {
		path string
		at   time.Time
	}
	var dirs []times
	links := map[uint64]string{}
	err := walkIgnoring(from, func(rel string, d fs.DirEntry, ignored bool) error {
		if ignored && withoutIgnored {
			return nil
		}
		src, dst := filepath.Join(from, rel), filepath.Join(to, rel)
		st, err := os.Lstat(src)
		if err != nil {
			return err
		}
		sys := st.Sys().(*syscall.Stat_t)
		switch {
		case st.IsDir():
			if err := os.Mkdir(dst, 0o700); err != nil {
				return err
			}
			dirs = append(dirs, times{dst, st.ModTime()})
		case st.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(src)
			if err != nil {
				return err
			}
			if err := os.Symlink(target, dst); err != nil {
				return err
			}
		case st.Mode().IsRegular():
			if first, ok := links[sys.Ino]; ok && sys.Nlink > 1 {
				return os.Link(first, dst)
			}
			links[sys.Ino] = dst
			if err := copyFile(src, dst); err != nil {
				return err
			}
		default:
			if err := syscall.Mknod(dst, sys.Mode, int(sys.Rdev)); err != nil {
				return &os.PathError{Op: "mknod", Path: dst, Err: err}
			}
		}
		if err := os.Lchown(dst, int(sys.Uid), int(sys.Gid)); err != nil {
			return err
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			if err := syscall.Chmod(dst, sys.Mode&0o7777); err != nil {
				return &os.PathError{Op: "chmod", Path: dst, Err: err}
			}
			if err := copyCapabilities(src, dst); err != nil {
				return err
			}
		}
		if st.IsDir() {
			return nil
		}
		return setTime(dst, st.ModTime())
	})
	if err != nil {
		return err
	}
	// Directories last and inmost first: what is made in them changes their times.
	for _, d := range slices.Backward(dirs) {
		if err := setTime(d.path, d.at); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(src, dst string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func copyCapabilities(src, dst string) error {
	const name = "security.capability"
	buf := make([]byte, 64)
	n, err := syscall.Getxattr(src, name, buf)
	if err != nil || n == 0 {
		return nil
	}
	return syscall.Setxattr(dst, name, buf[:n], 0)
}

// setTime sets the time of the thing itself, also when it is a link.
func setTime(path string, t time.Time) error {
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(t.UnixNano())}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "utimensat", Path: path, Err: err}
	}
	return nil
}
