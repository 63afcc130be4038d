package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// The status shim ends with where the command's own code does not tell: see the trailer.
	statusOther = 125
	// Begins the line that tells the bridge how a failed step ended.
	trailerMark = "\x1epyline-shim "
)

// trailer is the last line a failing shim writes on its standard error.
type trailer struct {
	ExitCode int    `json:"exitCode"`
	Message  string `json:"message,omitempty"`
	Query    bool   `json:"query,omitempty"` // not a command: a question that has no answer
	// How much the command wrote, where not all of it was passed on.
	StdoutBytes int64 `json:"stdoutBytes,omitempty"`
	StderrBytes int64 `json:"stderrBytes,omitempty"`
}

func runExec(path string) int {
	var spec execSpec
	if err := readSpec(path, &spec); err != nil {
		return fail(&spec, trailer{ExitCode: -1, Message: err.Error()})
	}
	var last trailer
	code, err := execCommand(&spec, &last)
	if err != nil {
		return fail(&spec, trailer{ExitCode: -1, Message: err.Error()})
	}
	if status := stepStatus(spec.Expect, code); status != 0 {
		last.ExitCode = code
		end(last)
		return status
	}
	return 0
}

// stepStatus is what shim ends with when the command ended with `code`.
func stepStatus(expect string, code int) int {
	switch {
	case code >= 128 && code <= 191:
		return code
	case expect == "ANY":
		return 0
	case expect == "FAILURE":
		if code == 0 {
			return statusOther
		}
		return 0
	default:
		return code
	}
}

func fail(spec *execSpec, t trailer) int {
	_ = writeMeta(spec, "exitCode", strconv.Itoa(t.ExitCode))
	end(t)
	return statusOther
}

func end(t trailer) {
	line, _ := json.Marshal(t)
	_, _ = os.Stderr.WriteString(trailerMark + string(line) + "\n")
}

func writeMeta(spec *execSpec, name, text string) error {
	if spec.Meta == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(spec.Meta, name), []byte(text), 0o644)
}

// execCommand runs the command and returns its exit code. An error means that it could not be set up.
func execCommand(spec *execSpec, last *trailer) (int, error) {
	if len(spec.Args) == 0 {
		return 0, errors.New("no command has been set")
	}
	secrets, err := secretValues(spec)
	if err != nil {
		return 0, err
	}
	kept := matcherOf(patterns(secrets, false))
	shown := kept
	if spec.ScrubEncoded {
		shown = matcherOf(patterns(secrets, true))
	}
	env := commandEnv(spec)
	who := account{home: homeOf(0, "/etc/passwd")}
	if spec.User != "" {
		if who, err = lookupUser(spec.User, "/etc/passwd", "/etc/group"); err != nil {
			return 0, err
		}
	}
	if !spec.KeepHome {
		env = setEnv(env, "HOME", orDefault(who.home, "/"))
	}
	workdir := spec.Workdir
	if workdir == "" {
		if workdir, err = os.Getwd(); err != nil {
			workdir = "/"
		}
	}
	stdin, err := openStdin(spec, workdir)
	if err != nil {
		return 0, err
	}
	defer stdin.Close()
	stdout, err := newStream(&forwarder{out: os.Stdout, limit: spec.Forward})
	if err != nil {
		return 0, err
	}
	stderr, err := newStream(&forwarder{out: os.Stderr, limit: spec.Forward})
	if err != nil {
		return 0, err
	}
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	create := func(path string, to ...*stream) (*os.File, error) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		for _, s := range to {
			s.files.writers = append(s.files.writers, f)
		}
		return f, nil
	}
	for _, r := range []struct {
		name, path string
		to         *stream
	}{{"stdout", spec.RedirectStdout, stdout}, {"stderr", spec.RedirectStderr, stderr}} {
		if r.path == "" {
			continue
		}
		f, err := create(absolute(workdir, r.path), r.to)
		if err == nil && spec.User != "" {
			err = f.Chown(int(who.uid), int(who.gid))
		}
		if err != nil {
			return 0, fmt.Errorf("open redirect %s file: %w", r.name, err)
		}
	}
	if spec.Meta != "" {
		for name, to := range map[string][]*stream{"stdout": {stdout}, "stderr": {stderr}, "combined": {stdout, stderr}} {
			if _, err := create(filepath.Join(spec.Meta, name), to...); err != nil {
				return 0, err
			}
		}
	}

	attr := &syscall.ProcAttr{Dir: workdir, Env: env, Files: []uintptr{stdin.Fd(), stdout.write.Fd(), stderr.write.Fd()}}
	if spec.User != "" {
		// The command may open /dev/stdout again, which needs to be its own.
		for _, f := range []*os.File{stdin, stdout.write, stderr.write} {
			if isPipe(f) {
				_ = f.Chown(int(who.uid), int(who.gid))
			}
		}
		attr.Sys = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who.uid, Gid: who.gid, Groups: who.groups}}
	}
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	// Signals and the ends of children must be watched before there is a child.
	signals := make(chan os.Signal, 32)
	signal.Notify(signals)
	// Only now: redirects are opened in the tree as the step finds it.
	path, err := "", prepareAll(spec.Prepare)
	if err == nil {
		if err := checkDir(workdir); err != nil {
			return 0, err
		}
		path, err = lookPath(spec.Args[0], env, workdir)
	} else if noDir := new(noDirError); !errors.As(err, &noDir) {
		return 0, err
	}
	pid := 0
	var others reaper
	if err == nil {
		if pid, err = syscall.ForkExec(path, spec.Args, attr); err != nil {
			err = fmt.Errorf("fork/exec %s: %w", path, err)
		}
	}
	code := 1
	if err != nil {
		_, _ = fmt.Fprintln(stderr.write, err)
	}
	stdout.start(kept, shown)
	stderr.start(kept, shown)
	allGone := true
	if err == nil {
		if spec.Ready != nil {
			go spec.Ready.announce(func(args []string, timeout time.Duration) unhealthy {
				return runBeside(&others, attr, shown, args, timeout)
			})
		}
		go forwardSignals(signals, pid)
		code = waitFor(pid, others.ended)
		allGone = killOthers()
	}
	finished(stdout, allGone)
	finished(stderr, allGone)
	for _, s := range []*stream{stdout, stderr} {
		if err := s.err(); err != nil {
			return 0, err
		}
	}
	if err := writeMeta(spec, "exitCode", strconv.Itoa(code)); err != nil {
		return 0, err
	}
	if stepStatus(spec.Expect, code) != 0 {
		for f, total := range map[*forwarder]*int64{stdout.forward: &last.StdoutBytes, stderr.forward: &last.StderrBytes} {
			if f.skipped > 0 {
				f.showTail()
				*total = f.total()
			}
		}
	}
	return code, nil
}

func isPipe(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeNamedPipe != 0
}

func matcherOf(list [][]byte) *matcher {
	if len(list) == 0 {
		return nil
	}
	return newMatcher(list)
}

func secretValues(spec *execSpec) ([][]byte, error) {
	var values [][]byte
	for _, name := range spec.ScrubEnv {
		values = append(values, []byte(os.Getenv(name)))
	}
	for _, path := range spec.ScrubFiles {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		values = append(values, data)
	}
	return values, nil
}

func commandEnv(spec *execSpec) []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(spec.RemoveEnv, name)
	})
}

func setEnv(env []string, name, value string) []string {
	env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	return append(env, name+"="+value)
}

func getEnv(env []string, name string) string {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

func orDefault(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func absolute(workdir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(workdir, path)
}

func checkDir(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return &os.PathError{Op: "chdir", Path: path, Err: syscall.ENOTDIR}
	}
	return nil
}

// lookPath finds a command the way Go's os/exec does, whose words the Dagger engine's answers have too.
func lookPath(name string, env []string, workdir string) (string, error) {
	if name == "" || strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(getEnv(env, "PATH")) {
		path := filepath.Join(absolute(workdir, dir), name)
		if st, err := os.Stat(path); err == nil && !st.IsDir() && st.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// openStdin gives the command its input. Text goes through a pipe that a goroutine fills, as far as the command reads.
func openStdin(spec *execSpec, workdir string) (*os.File, error) {
	if spec.RedirectStdin != "" {
		f, err := os.Open(absolute(workdir, spec.RedirectStdin))
		if err != nil {
			return nil, fmt.Errorf("open redirect stdin file: %w", err)
		}
		return f, nil
	}
	if spec.Stdin == "" {
		return os.Open(os.DevNull)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		_, _ = io.WriteString(w, spec.Stdin)
		w.Close()
	}()
	return r, nil
}

func forwardSignals(signals <-chan os.Signal, pid int) {
	for sig := range signals {
		switch s := sig.(syscall.Signal); s {
		case syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPIPE:
		default:
			_ = syscall.Kill(pid, s)
		}
	}
}

// waitFor reaps every process that ends, orphans included, until `pid` has.
func waitFor(pid int, other func(pid, code int)) int {
	for {
		var ws syscall.WaitStatus
		got, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 1
		case !ws.Exited() && !ws.Signaled():
		case got == pid:
			return codeOf(ws)
		default:
			other(got, codeOf(ws))
		}
	}
}

func codeOf(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// killOthers ends what the command left running, so that the outputs come to their end. It says whether all is gone.
func killOthers() bool {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if os.Getpid() == 1 {
			_ = syscall.Kill(-1, syscall.SIGKILL)
		} else {
			// Without a PID namespace (a BuildKit in a container may have none): orphans are handed to the subreaper, which shim is.
			for _, pid := range children() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if err == syscall.ECHILD {
				return true
			}
			if pid <= 0 && err != syscall.EINTR {
				break
			}
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// children lists the processes whose parent is this one.
func children() []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range dirs {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// pid (name) state parent …: a name may have blanks and parentheses.
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// finished waits for the end of an output. A process that cannot be killed must not hold the step up for ever.
func finished(s *stream, allGone bool) {
	if allGone {
		<-s.done
		return
	}
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		s.read.Close()
		<-s.done
	}
}
