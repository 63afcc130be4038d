package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests run this test binary as shim.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_AS_SHIM") != "" {
		os.Unsetenv("RUN_AS_SHIM")
		main()
	}
	os.Exit(m.Run())
}

type ran struct {
	status         int
	stdout, stderr string
	trailer        *trailer
	meta           string
}

func (r ran) file(name string) string {
	data, _ := os.ReadFile(filepath.Join(r.meta, name))
	return string(data)
}

func command(t *testing.T, mode string, spec map[string]any, env ...string) (*exec.Cmd, string) {
	t.Helper()
	meta := t.TempDir()
	if _, ok := spec["meta"]; !ok {
		spec["meta"] = meta
	}
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "spec.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], mode, file)
	cmd.Env = append([]string{"RUN_AS_SHIM=1", "PATH=" + os.Getenv("PATH")}, env...)
	return cmd, meta
}

func runShim(t *testing.T, spec map[string]any, env ...string) ran {
	t.Helper()
	cmd, meta := command(t, "exec", spec, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := ran{status: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String(), meta: meta}
	if at := strings.Index(r.stderr, trailerMark); at >= 0 {
		r.trailer = &trailer{}
		line := r.stderr[at+len(trailerMark):]
		if err := json.Unmarshal([]byte(line), r.trailer); err != nil || !strings.HasSuffix(line, "}\n") {
			t.Errorf("the trailer %q is not the last line: %v", line, err)
		}
		r.stderr = r.stderr[:at]
	}
	return r
}

func sh(script string) []string { return []string{"sh", "-c", script} }

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		expect string
		script string
		code   int
		status int
	}{
		{"", "exit 0", 0, 0},
		{"SUCCESS", "exit 4", 4, 4},
		{"SUCCESS", "exit 255", 255, 255},
		{"SUCCESS", "exit 125", 125, 125},
		{"FAILURE", "exit 4", 4, 0},
		{"FAILURE", "exit 0", 0, 125},
		{"FAILURE", "exit 128", 128, 128},
		{"ANY", "exit 0", 0, 0},
		{"ANY", "exit 127", 127, 0},
		{"ANY", "exit 128", 128, 128},
		{"ANY", "exit 191", 191, 191},
		{"ANY", "exit 192", 192, 0},
		{"ANY", "exit 255", 255, 0},
		{"ANY", "kill -KILL $$", 137, 137},
		{"FAILURE", "kill -TERM $$", 143, 143},
		{"SUCCESS", "kill -SEGV $$", 139, 139},
	} {
		r := runShim(t, map[string]any{"args": sh(c.script), "expect": c.expect})
		if r.status != c.status || r.file("exitCode") != strconv.Itoa(c.code) {
			t.Errorf("%s %q: shim ended with %d, recorded %s", c.expect, c.script, r.status, r.file("exitCode"))
		}
		if (r.trailer != nil) != (c.status != 0) || (r.trailer != nil && r.trailer.ExitCode != c.code) {
			t.Errorf("%s %q: trailer %+v", c.expect, c.script, r.trailer)
		}
	}
}

func TestCannotRun(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(text), mode)
		return path
	}
	plain, noBang, interpreter := file("plain", "x", 0o644), file("no-bang", "echo x\n", 0o755), file("interpreter", "#!/no/such/thing\n", 0o755)
	for command, stderr := range map[string]string{
		"no-such-command":  "exec: \"no-such-command\": executable file not found in $PATH\n",
		"/no/such/command": "fork/exec /no/such/command: no such file or directory\n",
		"./no-such":        "fork/exec ./no-such: no such file or directory\n",
		"":                 "fork/exec : no such file or directory\n",
		plain:              "fork/exec " + plain + ": permission denied\n",
		dir:                "fork/exec " + dir + ": permission denied\n",
		noBang:             "fork/exec " + noBang + ": exec format error\n",
		interpreter:        "fork/exec " + interpreter + ": no such file or directory\n",
	} {
		r := runShim(t, map[string]any{"args": []string{command}, "expect": "ANY"})
		if r.status != 0 || r.file("exitCode") != "1" || r.file("stderr") != stderr || r.stderr != stderr {
			t.Errorf("%s: %d, %s, %q", command, r.status, r.file("exitCode"), r.stderr)
		}
		if r = runShim(t, map[string]any{"args": []string{command}}); r.status != 1 || r.trailer.ExitCode != 1 {
			t.Errorf("%s: %+v", command, r)
		}
	}
}

func TestCannotSetUp(t *testing.T) {
	for name, spec := range map[string]map[string]any{
		"unable to find user no-such-user: no matching entries in passwd file":    {"user": "no-such-user"},
		"open redirect stdout file: open /no/such/out: no such file or directory": {"redirectStdout": "/no/such/out"},
		"open redirect stderr file: open /no/such/err: no such file or directory": {"redirectStderr": "/no/such/err"},
		"open redirect stdin file: open /no/such/in: no such file or directory":   {"redirectStdin": "/no/such/in"},
		"stat /no/such/dir: no such file or directory":                            {"workdir": "/no/such/dir"},
		"open /no/such/secret: no such file or directory":                         {"scrubFiles": []string{"/no/such/secret"}},
		"no command has been set": {"args": []string{}},
	} {
		spec["expect"] = "ANY"
		if spec["args"] == nil {
			spec["args"] = []string{"true"}
		}
		r := runShim(t, spec)
		if r.status != 125 || r.trailer == nil || r.trailer.ExitCode != -1 || r.trailer.Message != name || r.file("exitCode") != "-1" || r.stderr != "" {
			t.Errorf("%s: %d %+v %q", name, r.status, r.trailer, r.stderr)
		}
	}
}

func TestOutputs(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "err"), []byte("old and long"), 0o600)
	r := runShim(t, map[string]any{
		"args": sh("echo 1; sleep 0.1; echo 2 >&2; sleep 0.1; echo 3; cat"), "workdir": dir, "stdin": "line 1\nline 2", "redirectStdout": "out", "redirectStderr": filepath.Join(dir, "err"),
	})
	read := func(name string) string {
		data, _ := os.ReadFile(filepath.Join(dir, name))
		return string(data)
	}
	out, combined := "1\n3\nline 1\nline 2", "1\n2\n3\nline 1\nline 2"
	if r.stdout != out || r.file("stdout") != out || read("out") != out {
		t.Errorf("stdout %q %q %q", r.stdout, r.file("stdout"), read("out"))
	}
	if r.stderr != "2\n" || r.file("stderr") != "2\n" || read("err") != "2\n" {
		t.Errorf("stderr %q %q %q", r.stderr, r.file("stderr"), read("err"))
	}
	if r.file("combined") != combined {
		t.Errorf("combined %q", r.file("combined"))
	}
	if r = runShim(t, map[string]any{"args": sh("cat; head -c 1 unread"), "redirectStdin": "err", "workdir": dir, "stdin": ""}); r.stdout != "2\n" {
		t.Errorf("from a file: %q", r.stdout)
	}
	if r = runShim(t, map[string]any{"args": sh("exec true"), "stdin": strings.Repeat("x", 1<<20)}); r.status != 0 {
		t.Errorf("input that is not read: %d", r.status)
	}
}

func TestForwardLimit(t *testing.T) {
	script := "head -c 300000 /dev/zero | tr '\\0' a; echo END"
	r := runShim(t, map[string]any{"args": sh(script), "forward": 1000})
	if len(r.stdout) != 1000 || len(r.file("stdout")) != 300004 {
		t.Errorf("%d passed on, %d recorded", len(r.stdout), len(r.file("stdout")))
	}
	r = runShim(t, map[string]any{"args": sh(script + "; exit 3"), "forward": 1000})
	if len(r.stdout) != 1000+tailSize || r.trailer.StdoutBytes != 300004 || r.trailer.StderrBytes != 0 || !strings.HasSuffix(r.stdout, "aEND\n") {
		t.Errorf("%d passed on of a failed command", len(r.stdout))
	}
}

func TestSecretsAreScrubbedEverywhere(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	os.WriteFile(secret, []byte("from-a-file\n"), 0o600)
	r := runShim(t, map[string]any{
		"args": sh("printf hun; sleep 0.1; echo ter2; echo err:$TOKEN: >&2; cat " + secret + "; echo $TOKEN > plain; printf '<%s>' \"$OTHER\"; exit 9"), "workdir": dir,
		"scrubEnv": []string{"TOKEN", "MISSING"}, "scrubFiles": []string{secret}, "redirectStdout": "out", "removeEnv": []string{"OTHER"},
	}, "TOKEN=hunter2", "OTHER=x")
	redirected, _ := os.ReadFile(filepath.Join(dir, "out"))
	plain, _ := os.ReadFile(filepath.Join(dir, "plain"))
	if want := "***\n***<>"; r.stdout != want || r.file("stdout") != want || string(redirected) != want {
		t.Errorf("stdout %q %q %q", r.stdout, r.file("stdout"), redirected)
	}
	if r.stderr != "err:***:\n" || strings.Contains(r.file("combined"), "hunter2") {
		t.Errorf("stderr %q, combined %q", r.stderr, r.file("combined"))
	}
	if string(plain) != "hunter2\n" {
		t.Errorf("a file of the command's own has %q", plain)
	}
}

func TestEncodedSecretsAreScrubbedWhereTheyAreShown(t *testing.T) {
	r := runShim(t, map[string]any{
		"args": sh("printf %s $TOKEN | base64; printf %s user:$TOKEN | base64; echo $TOKEN; exit 3"), "scrubEnv": []string{"TOKEN"}, "scrubEncoded": true,
	}, "TOKEN=hunter2-hunter2")
	if want := "***\ndXNlcjp***I=\n***\n"; r.stdout != want {
		t.Errorf("shown: %q", r.stdout)
	}
	if want := "aHVudGVyMi1odW50ZXIy\ndXNlcjpodW50ZXIyLWh1bnRlcjI=\n***\n"; r.file("stdout") != want || r.file("combined") != want {
		t.Errorf("kept: %q", r.file("stdout"))
	}
}

func TestEnvironment(t *testing.T) {
	r := runShim(t, map[string]any{"args": sh("echo $HOME $A"), "keepHome": true}, "HOME=/elsewhere", "A=1")
	if r.stdout != "/elsewhere 1\n" {
		t.Errorf("%q", r.stdout)
	}
	if os.Getuid() != 0 {
		t.Skip("changing the user needs root")
	}
	if r = runShim(t, map[string]any{"args": sh("id -u; id -g; id -G; echo $HOME"), "user": "1234"}, "HOME=/root"); r.stdout != "1234\n0\n0\n/\n" {
		t.Errorf("1234: %q", r.stdout)
	}
	if r = runShim(t, map[string]any{"args": sh("id -u; id -g; echo $HOME"), "user": "12:34", "keepHome": true}, "HOME=/h"); r.stdout != "12\n34\n/h\n" {
		t.Errorf("12:34: %q", r.stdout)
	}
	if r = runShim(t, map[string]any{"args": sh("echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin"), "user": "12:34", "stdin": "in"}); r.stdout != "out\nin" || r.file("stderr") != "err\n" {
		t.Errorf("opened again: %q %q", r.stdout, r.stderr)
	}
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	out := filepath.Join(dir, "out")
	runShim(t, map[string]any{"args": sh("echo x"), "user": "12:34", "redirectStdout": out})
	st, err := os.Stat(out)
	if err != nil || st.Sys().(*syscall.Stat_t).Uid != 12 || st.Sys().(*syscall.Stat_t).Gid != 34 {
		t.Errorf("the redirect file is of %+v, %v", st, err)
	}
}

func TestSignalsReachTheCommand(t *testing.T) {
	cmd, meta := command(t, "exec", map[string]any{"args": sh("trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.05; done"), "expect": "ANY"})
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 6)
	out.Read(buf)
	cmd.Process.Signal(syscall.SIGTERM)
	rest := make([]byte, 100)
	n, _ := out.Read(rest)
	cmd.Wait()
	code, _ := os.ReadFile(filepath.Join(meta, "exitCode"))
	if string(rest[:n]) != "got it\n" || string(code) != "7" {
		t.Errorf("%q, exit code %s", rest[:n], code)
	}
}

// What the command leaves behind is ended, in a PID namespace of its own or not.
func TestLeftovers(t *testing.T) {
	for _, namespace := range []uintptr{0, syscall.CLONE_NEWPID} {
		if namespace != 0 && os.Getuid() != 0 {
			t.Skip("a PID namespace needs root")
		}
		cmd, meta := command(t, "exec", map[string]any{"args": sh("sleep 100 & (sleep 100 & exec true) & setsid sh -c 'trap \"\" TERM HUP; sleep 100' & echo started")})
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespace}
		started := time.Now()
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		out, _ := os.ReadFile(filepath.Join(meta, "stdout"))
		if string(out) != "started\n" || time.Since(started) > 4*time.Second {
			t.Errorf("%q after %v", out, time.Since(started))
		}
	}
}

func TestLargeOutput(t *testing.T) {
	cmd, meta := command(t, "exec", map[string]any{"args": sh("head -c 50000000 /dev/zero | tr '\\0' s"), "scrubEnv": []string{"TOKEN"}}, "TOKEN=ssssssssssssx")
	started := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	st, _ := os.Stat(filepath.Join(meta, "stdout"))
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if st.Size() != 50_000_000 || usage.Maxrss > 60_000 {
		t.Errorf("%d bytes recorded, %d kB used", st.Size(), usage.Maxrss)
	}
	t.Logf("one line of 50 MB: %v, %d kB", time.Since(started), usage.Maxrss)
}

func TestPrepare(t *testing.T) {
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "there"), 0o755)
	r := runShim(t, map[string]any{
		"args": sh("stat -c '%a %u:%g %n' there new new/deep"), "workdir": dir,
		"prepare": []any{
			map[string]any{"path": filepath.Join(dir, "there"), "mode": 0o1777}, map[string]any{"path": filepath.Join(dir, "new/deep"), "mkdir": true},
			map[string]any{"path": filepath.Join(dir, "there"), "mkdir": true, "mode": 0o700},
		},
	})
	if want := "1777 0:0 there\n755 0:0 new\n755 0:0 new/deep\n"; os.Getuid() == 0 && r.stdout != want {
		t.Errorf("%q", r.stdout)
	}
	if os.Getuid() != 0 {
		t.Skip("changing owners needs root")
	}
	r = runShim(t, map[string]any{
		"args": sh("stat -c '%a %u:%g %n' a a/b"), "workdir": dir,
		"prepare": []any{map[string]any{"path": filepath.Join(dir, "a/b"), "mkdir": true, "owner": "12:34"}, map[string]any{"path": filepath.Join(dir, "a"), "owner": "5", "mode": 0o750}},
	})
	if want := "750 5:5 a\n755 12:34 a/b\n"; r.stdout != want {
		t.Errorf("%q", r.stdout)
	}
	if r = runShim(t, map[string]any{"args": sh("true"), "prepare": []any{map[string]any{"path": "/no/such", "mode": 1}}}); r.trailer == nil || r.trailer.ExitCode != -1 {
		t.Errorf("%+v", r)
	}
}
