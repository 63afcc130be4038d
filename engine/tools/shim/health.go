package main

import (
	"bytes"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// health is a command beside the service's own that says whether it can be used, as in an image's HEALTHCHECK.
type health struct {
	Args []string `json:"args"`
	// Milliseconds. Without a timeout it may take as long as it likes.
	Interval    int64 `json:"interval"`
	Timeout     int64 `json:"timeout"`
	StartPeriod int64 `json:"startPeriod"`
	// How often it may fail, once the start period is over.
	Retries int `json:"retries"`
}

// unhealthy is what the command said the last time.
type unhealthy struct {
	ExitCode int    `json:"exitCode"`
	Stdout   []byte `json:"stdout"`
	Stderr   []byte `json:"stderr"`
}

// Of what a health check writes, the beginning is kept.
const healthBytes = 8 << 10

// await runs the command until it ends with 0; after too many failures it gives the last one.
func (h *health) await(run func(args []string, timeout time.Duration) unhealthy) *unhealthy {
	allowed := time.Now().Add(time.Duration(h.StartPeriod) * time.Millisecond)
	for failures := 0; ; {
		last := run(h.Args, time.Duration(h.Timeout)*time.Millisecond)
		if last.ExitCode == 0 {
			return nil
		}
		if time.Now().After(allowed) {
			failures++
		}
		if failures >= h.Retries {
			return &last
		}
		time.Sleep(time.Duration(h.Interval) * time.Millisecond)
	}
}

// reaper hands the ends of processes to who waits for them: shim waits for all children in one place.
type reaper struct {
	mu      sync.Mutex
	waiting map[int]chan int
}

// start runs something that makes a process, whose exit code comes through the channel.
func (r *reaper) start(fork func() (int, error)) (int, <-chan int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := fork()
	if err != nil {
		return 0, nil, err
	}
	if r.waiting == nil {
		r.waiting = map[int]chan int{}
	}
	ended := make(chan int, 1)
	r.waiting[pid] = ended
	return pid, ended, nil
}

func (r *reaper) ended(pid, code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ch := r.waiting[pid]; ch != nil {
		ch <- code
		delete(r.waiting, pid)
	}
}

// runBeside runs a command as the service's own is run, but for its output, which is returned.
func runBeside(r *reaper, attr *syscall.ProcAttr, masks *matcher, args []string, timeout time.Duration) unhealthy {
	failed := func(err error) unhealthy { return unhealthy{ExitCode: 1, Stderr: []byte(err.Error() + "\n")} }
	path, err := lookPath(args[0], attr.Env, attr.Dir)
	if err != nil {
		return failed(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return failed(err)
	}
	defer null.Close()
	stdout, stderr := &capture{masks: masks}, &capture{masks: masks}
	defer stdout.close()
	defer stderr.close()
	for _, c := range []*capture{stdout, stderr} {
		if err := c.open(); err != nil {
			return failed(err)
		}
	}
	own := *attr
	own.Files = []uintptr{null.Fd(), stdout.write.Fd(), stderr.write.Fd()}
	pid, ended, err := r.start(func() (int, error) { return syscall.ForkExec(path, args, &own) })
	if err != nil {
		return failed(err)
	}
	var late <-chan time.Time
	if timeout > 0 {
		late = time.After(timeout)
	}
	select {
	case code := <-ended:
		return unhealthy{code, stdout.bytes(), stderr.bytes()}
	case <-late:
		_ = syscall.Kill(pid, syscall.SIGKILL)
		<-ended
		return unhealthy{128 + int(syscall.SIGKILL), stdout.bytes(), append(stderr.bytes(), "health check timed out after "+timeout.String()+"\n"...)}
	}
}

// capture is a pipe whose beginning is kept.
type capture struct {
	masks       *matcher
	read, write *os.File
	kept        bytes.Buffer
	done        chan struct{}
}

func (c *capture) open() (err error) {
	if c.read, c.write, err = os.Pipe(); err != nil {
		return err
	}
	c.done = make(chan struct{})
	go func() {
		defer close(c.done)
		to := masked(c.masks, &c.kept)
		_, _ = io.Copy(to, io.LimitReader(c.read, healthBytes))
		_ = to.Close()
		_, _ = io.Copy(io.Discard, c.read)
	}()
	return nil
}

// bytes is what came until now. What the command left behind may hold the pipe, and is not waited for.
func (c *capture) bytes() []byte {
	c.write.Close()
	select {
	case <-c.done:
	case <-time.After(time.Second):
		c.read.Close()
		<-c.done
	}
	return c.kept.Bytes()
}

func (c *capture) close() {
	if c.read != nil {
		c.read.Close()
		c.write.Close()
	}
}
