package main

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
)

type serviceMount struct {
	Dest     string `json:"dest"`
	Target   *int   `json:"target"`
	Selector string `json:"selector"`
	Readonly bool   `json:"readonly"`
	Tmpfs    *struct {
		Size int64 `json:"size"`
	} `json:"tmpfs"`
	Cache *struct {
		ID      string `json:"id"`
		Sharing string `json:"sharing"`
	} `json:"cache"`
	Secret *struct {
		ID       string `json:"id"`
		UID      uint32 `json:"uid"`
		GID      uint32 `json:"gid"`
		Mode     uint32 `json:"mode"`
		Optional bool   `json:"optional"`
	} `json:"secret"`
}

type serviceParams struct {
	solveParams
	Mounts    []serviceMount `json:"mounts"`
	Args      []string       `json:"args"`
	Env       []string       `json:"env"`
	SecretEnv []struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Optional bool   `json:"optional"`
	} `json:"secretEnv"`
	Cwd      string `json:"cwd"`
	User     string `json:"user"`
	Network  string `json:"network"`
	Hostname string `json:"hostname"`
	Hosts    []struct {
		Host string `json:"host"`
		IP   string `json:"ip"`
	} `json:"hosts"`
}

type serviceResult struct {
	ExitCode    int    `json:"exitCode"`
	Message     string `json:"message,omitempty"`
	Setup       bool   `json:"setup,omitempty"`
	StdoutTail  []byte `json:"stdoutTail"`
	StderrTail  []byte `json:"stderrTail"`
	StdoutBytes int64  `json:"stdoutBytes"`
	StderrBytes int64  `json:"stderrBytes"`
}

// service is a process that runs until it ends or is stopped.
type service struct {
	stop  func(signal syscall.Signal, grace time.Duration)
	ended chan struct{}
}

type serviceStopParams struct {
	Request int64 `json:"request"`
	Signal  int   `json:"signal"`
	GraceMs int64 `json:"graceMs"`
}

func (c call) service(ctx context.Context, p serviceParams) (*serviceResult, error) {
	j, err := c.newJob(&p.solveParams)
	if err != nil {
		return nil, err
	}
	opt, err := p.options(&j.locals)
	if err != nil {
		return nil, err
	}
	var result *serviceResult
	_, err = j.run(ctx, opt, func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		request, err := j.container(ctx, gw, &p)
		if err != nil {
			return nil, err
		}
		j.finish(ctx, gw)
		result, err = j.serve(ctx, gw, request, &p)
		return nil, err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// container solves what the service mounts.
func (j *job) container(ctx context.Context, gw gateway.Client, p *serviceParams) (*gateway.NewContainerRequest, error) {
	refs, err := j.evaluateAll(ctx, gw, p.Targets)
	if err != nil {
		return nil, err
	}
	request := &gateway.NewContainerRequest{Hostname: p.Hostname}
	switch p.Network {
	case "":
	case "host":
		request.NetMode = pb.NetMode_HOST
	case "none":
		request.NetMode = pb.NetMode_NONE
	case "sandbox":
		request.NetMode = pb.NetMode_UNSET
	default:
		return nil, invalid("unknown network %q", p.Network)
	}
	for _, h := range p.Hosts {
		request.ExtraHosts = append(request.ExtraHosts, &pb.HostIP{Host: h.Host, IP: h.IP})
	}
	for _, m := range p.Mounts {
		mount := gateway.Mount{Dest: m.Dest, Selector: m.Selector, Readonly: m.Readonly}
		if m.Target != nil {
			if *m.Target < 0 || *m.Target >= len(refs) {
				return nil, invalid("mount %s: there is no target %d", m.Dest, *m.Target)
			}
			mount.Ref = refs[*m.Target]
		}
		switch {
		case m.Tmpfs != nil:
			mount.MountType = pb.MountType_TMPFS
		case m.Cache != nil:
			sharing, ok := pb.CacheSharingOpt_value[m.Cache.Sharing]
			if !ok {
				return nil, invalid("mount %s: unknown sharing %q", m.Dest, m.Cache.Sharing)
			}
			mount.MountType = pb.MountType_CACHE
			mount.CacheOpt = &pb.CacheOpt{ID: m.Cache.ID, Sharing: pb.CacheSharingOpt(sharing)}
		case m.Secret != nil:
			mount.MountType = pb.MountType_SECRET
			mount.SecretOpt = &pb.SecretOpt{ID: m.Secret.ID, Uid: m.Secret.UID, Gid: m.Secret.GID, Mode: m.Secret.Mode, Optional: m.Secret.Optional}
		}
		request.Mounts = append(request.Mounts, mount)
	}
	return request, nil
}

// serve runs the process until it ends.
func (j *job) serve(ctx context.Context, gw gateway.Client, request *gateway.NewContainerRequest, p *serviceParams) (*serviceResult, error) {
	container, err := gw.NewContainer(ctx, *request)
	if err != nil {
		return nil, err
	}
	defer container.Release(context.WithoutCancel(ctx))
	out := &serviceOutput{status: j.status, state: &vertexState{}}
	start := gateway.StartRequest{
		Args: p.Args, Env: p.Env, Cwd: p.Cwd, User: p.User, RemoveMountStubsRecursive: true,
		Stdout: out.stream(1), Stderr: out.stream(2),
	}
	for _, s := range p.SecretEnv {
		start.SecretEnv = append(start.SecretEnv, &pb.SecretEnv{ID: s.ID, Name: s.Name, Optional: s.Optional})
	}
	process, err := container.Start(ctx, start)
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	j.call.register(&service{ended: ended, stop: func(signal syscall.Signal, grace time.Duration) {
		_ = process.Signal(ctx, signal)
		select {
		case <-ended:
		case <-ctx.Done():
		case <-time.After(grace):
			_ = process.Signal(ctx, syscall.SIGKILL)
		}
	}})
	defer j.call.unregister()
	j.call.event(map[string]any{"started": true})
	err = process.Wait()
	close(ended)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	code, exited := exitCode(err)
	if err != nil && !exited {
		return nil, err
	}
	return out.result(code), nil
}

// serviceOutput gives a service's output on, and keeps its end.
type serviceOutput struct {
	status *status
	state  *vertexState
}

type serviceStream struct {
	*serviceOutput
	number int
}

func (o *serviceOutput) stream(number int) io.WriteCloser { return serviceStream{o, number} }

func (s serviceStream) Write(p []byte) (int, error) {
	s.status.mu.Lock()
	defer s.status.mu.Unlock()
	s.status.log(s.state, s.number, p)
	return len(p), nil
}

func (s serviceStream) Close() error { return nil }

func (o *serviceOutput) result(code int) *serviceResult {
	o.status.mu.Lock()
	defer o.status.mu.Unlock()
	o.status.release(o.state)
	out, err := &o.state.streams[1], &o.state.streams[2]
	r := &serviceResult{ExitCode: code, StdoutTail: out.bytes(), StderrTail: err.bytes(), StdoutBytes: out.total, StderrBytes: err.total}
	if t := o.state.trailer; t != nil {
		r.ExitCode, r.Message, r.Setup = t.ExitCode, t.Message, t.ExitCode == -1
	}
	return r
}

func (c call) register(s *service) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.services[c.id] = s
}

func (c call) unregister() {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.services, c.id)
}

// serviceStop asks a service to end, makes it after the grace, and waits until it has.
func (s *server) serviceStop(ctx context.Context, p serviceStopParams) (any, error) {
	s.mu.Lock()
	running, starting := s.services[p.Request], s.running[p.Request]
	s.mu.Unlock()
	if running == nil {
		if starting != nil {
			starting(errCanceled)
		}
		return nil, nil
	}
	signal, grace := syscall.SIGTERM, 10*time.Second
	if p.Signal > 0 {
		signal = syscall.Signal(p.Signal)
	}
	if p.GraceMs > 0 {
		grace = time.Duration(p.GraceMs) * time.Millisecond
	}
	running.stop(signal, grace)
	select {
	case <-running.ended:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(10 * time.Second):
		return nil, errors.New("the service does not end")
	}
}
