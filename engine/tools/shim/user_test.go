package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestLookupUser(t *testing.T) {
	dir := t.TempDir()
	passwd, group := filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
	os.WriteFile(passwd, []byte("root:x:0:0:root:/root:/bin/sh\n# comment\nshort:x\napp:x:1000:1000:App:/home/app:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n5:x:77:78::/five:\n"), 0o644)
	os.WriteFile(group, []byte("root:x:0:\ndaemon:x:1:\nstaff:x:50:app,other\nwheel:x:10:root,app\napp:x:1000:\n"), 0o644)
	for spec, want := range map[string]string{
		"root":          "0 0 [10] /root",
		"app":           "1000 1000 [50 10] /home/app",
		"1000":          "1000 1000 [50 10] /home/app",
		"1234":          "1234 0 [] /",
		"1234:5678":     "1234 5678 [] /",
		"nobody:daemon": "65534 1 [] /nonexistent",
		"app:0":         "1000 0 [] /home/app",
		"5":             "5 0 [] /", // a number is a uid, never a name
		"no-such-user":  "unable to find user no-such-user: no matching entries in passwd file",
		"app:no-group":  "unable to find group no-group: no matching entries in group file",
		"-1":            "unable to find user -1: id -1 is out of range",
		"99999999999":   "unable to find user 99999999999: id 99999999999 is out of range",
	} {
		a, err := lookupUser(spec, passwd, group)
		got := fmt.Sprintf("%d %d %v %s", a.uid, a.gid, a.groups, a.home)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
	if a, err := lookupUser("12:34", filepath.Join(dir, "none"), filepath.Join(dir, "none")); err != nil || a.uid != 12 || a.gid != 34 {
		t.Errorf("without files: %+v %v", a, err)
	}
}
