package main

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var zeroTime time.Time

func unixTime(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

type fileID struct{ dev, ino uint64 }

// identify tells which file this is, and whether it has more than one name.
func identify(st os.FileInfo) (fileID, bool) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{uint64(sys.Dev), sys.Ino}, sys.Nlink > 1
}

// capabilities reads the file capabilities, which ping and the like have in place of setuid.
func capabilities(file string) string {
	buf := make([]byte, 64)
	n, err := unix.Lgetxattr(file, "security.capability", buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}
