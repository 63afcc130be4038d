package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// account is who a command runs as.
type account struct {
	uid, gid uint32
	groups   []uint32
	home     string
}

// lookupUser resolves "name", "uid", "name:group" or "uid:gid" with a passwd and a group file,
// as OCI runtimes do: a number is never a name, a group that is given replaces all groups of the
// user, and a uid that nobody has gets group 0.
func lookupUser(spec, passwdPath, groupPath string) (account, error) {
	name, group, _ := strings.Cut(spec, ":")
	a := account{home: "/"}
	uid, isUID, err := numericID(name)
	if err != nil {
		return a, fmt.Errorf("unable to find user %s: %w", name, err)
	}
	if isUID {
		a.uid = uid
	}
	login := ""
	for _, f := range readTable(passwdPath, 7) {
		id, ok, err := numericID(f[2])
		if err != nil || !ok || (isUID && id != uid) || (!isUID && f[0] != name) {
			continue
		}
		gid, ok, err := numericID(f[3])
		if err != nil || !ok {
			continue
		}
		login, a.uid, a.gid = f[0], id, gid
		break
	}
	if login == "" && !isUID {
		return a, fmt.Errorf("unable to find user %s: no matching entries in passwd file", name)
	}
	if home := homeOf(a.uid, passwdPath); home != "" {
		a.home = home
	}
	if group != "" {
		gid, isGID, err := numericID(group)
		if err != nil {
			return a, fmt.Errorf("unable to find group %s: %w", group, err)
		}
		if isGID {
			a.gid = gid
			return a, nil
		}
		for _, f := range readTable(groupPath, 4) {
			if gid, ok, err := numericID(f[2]); err == nil && ok && f[0] == group {
				a.gid = gid
				return a, nil
			}
		}
		return a, fmt.Errorf("unable to find group %s: no matching entries in group file", group)
	}
	if login != "" {
		for _, f := range readTable(groupPath, 4) {
			gid, ok, err := numericID(f[2])
			if err == nil && ok && slices.Contains(strings.Split(f[3], ","), login) {
				a.groups = append(a.groups, gid)
			}
		}
	}
	return a, nil
}

// homeOf is the home directory of the first passwd entry with that uid.
func homeOf(uid uint32, passwdPath string) string {
	for _, f := range readTable(passwdPath, 7) {
		if id, ok, err := numericID(f[2]); err == nil && ok && id == uid {
			return f[5]
		}
	}
	return ""
}

func numericID(s string) (uint32, bool, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		if strings.Trim(s, "0123456789") == "" && s != "" {
			return 0, true, fmt.Errorf("id %s is out of range", s)
		}
		return 0, false, nil
	}
	if n < 0 || n > math.MaxInt32 {
		return 0, true, fmt.Errorf("id %s is out of range", s)
	}
	return uint32(n), true, nil
}

// readTable reads a colon-separated file; a missing file is an empty one, short lines are padded.
func readTable(path string, fields int) [][]string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var rows [][]string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		row := strings.Split(line, ":")
		for len(row) < fields {
			row = append(row, "")
		}
		rows = append(rows, row)
	}
	return rows
}
