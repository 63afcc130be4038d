package main

import (
	"context"
	"errors"
	"log"
	"slices"
	"time"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/identity"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

type target struct {
	Digest digest.Digest `json:"digest"`
	Index  int64         `json:"index"`
	Reads  []read        `json:"reads"`
}

type watch struct {
	Digest  digest.Digest `json:"digest"`
	Indexes []int64       `json:"indexes"`
}

type solveParams struct {
	Ops      [][]byte                     `json:"ops"`
	Metadata map[digest.Digest]opMetadata `json:"metadata"`
	Targets  []target                     `json:"targets"`
	Watch    []watch                      `json:"watch"`
	Logs     *bool                        `json:"logs"`
	inputs
}

type targetResult struct {
	Reads []readResult `json:"reads"`
}

type solveResult struct {
	Executed []digest.Digest `json:"executed"`
	Cached   []digest.Digest `json:"cached"`
	Targets  []targetResult  `json:"targets"`
}

// job is one BuildKit job of a request.
type job struct {
	call   call
	graph  *graph
	status *status
	locals localErrors
	watch  []watch
}

func (c call) newJob(p *solveParams) (*job, error) {
	g, err := newGraph(p.Ops, p.Metadata)
	if err != nil {
		return nil, err
	}
	return &job{call: c, graph: g, status: newStatus(c, g, p.Logs == nil || *p.Logs), watch: p.Watch}, nil
}

func (c call) solve(ctx context.Context, p solveParams) (*solveResult, error) {
	j, err := c.newJob(&p)
	if err != nil {
		return nil, err
	}
	opt, err := p.options(&j.locals)
	if err != nil {
		return nil, err
	}
	result := &solveResult{Targets: make([]targetResult, len(p.Targets))}
	_, err = j.run(ctx, opt, func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		refs, err := j.evaluateAll(ctx, gw, p.Targets)
		if err != nil {
			return nil, err
		}
		reads, readsCtx := errgroup.WithContext(ctx)
		reads.SetLimit(16)
		for i, t := range p.Targets {
			result.Targets[i].Reads = make([]readResult, len(t.Reads))
			for k, r := range t.Reads {
				reads.Go(func() (err error) {
					result.Targets[i].Reads[k], err = r.run(readsCtx, refs[i])
					return err
				})
			}
		}
		return nil, reads.Wait()
	})
	if err != nil {
		return nil, err
	}
	result.Executed, result.Cached = j.status.ran()
	return result, nil
}

// run runs `work` as the one frontend of a BuildKit job. After it, whether it went well or not, all outputs of the watched
// vertices that ran are evaluated, so that BuildKit's cache has them.
func (j *job) run(ctx context.Context, opt client.SolveOpt, work gateway.BuildFunc) (map[string]string, error) {
	bk, err := j.call.connection()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	j.locals.abort = cancel
	ch := make(chan *client.SolveStatus, 64)
	go j.status.follow(ch)
	var failed error
	resp, err := bk.Build(ctx, opt, "", func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		result, err := work(ctx, gw)
		failed = err
		if ctx.Err() == nil {
			j.finish(ctx, gw)
		}
		return result, err
	}, ch)
	<-j.status.ended
	if err == nil {
		return resp.ExporterResponse, nil
	}
	if changed := j.locals.found(); changed != nil {
		return nil, changed
	}
	if failed != nil && !errors.Is(failed, context.Canceled) {
		err = failed
	}
	return nil, j.status.failure(err)
}

// evaluate solves one output of one vertex and waits until it is there. The reference is nil for scratch.
func (j *job) evaluate(ctx context.Context, gw gateway.Client, vertex digest.Digest, index int64) (gateway.Reference, error) {
	def, err := j.graph.definition(vertex, index)
	if err != nil || def == nil {
		return nil, err
	}
	result, err := gw.Solve(ctx, gateway.SolveRequest{Definition: def, Evaluate: true})
	if err != nil {
		return nil, err
	}
	return result.SingleRef()
}

// evaluateAll solves all targets side by side. References outlive it: reads of them have a context of their own.
func (j *job) evaluateAll(ctx context.Context, gw gateway.Client, targets []target) ([]gateway.Reference, error) {
	refs := make([]gateway.Reference, len(targets))
	all, allCtx := errgroup.WithContext(ctx)
	for i, t := range targets {
		all.Go(func() (err error) {
			refs[i], err = j.evaluate(allCtx, gw, t.Digest, t.Index)
			return err
		})
	}
	return refs, all.Wait()
}

// finish evaluates the watched outputs of the vertices that ran in this job.
func (j *job) finish(ctx context.Context, gw gateway.Client) {
	if err := j.flush(ctx, gw); err != nil {
		log.Printf("flush: %v", err)
	}
	executed, _ := j.status.ran()
	var outputs errgroup.Group
	for _, w := range j.watch {
		if !slices.Contains(executed, w.Digest) {
			continue
		}
		for _, index := range w.Indexes {
			outputs.Go(func() error {
				_, err := j.evaluate(ctx, gw, w.Digest, index)
				return err
			})
		}
	}
	if err := outputs.Wait(); err != nil {
		log.Printf("an output of a step could not be kept: %v", err)
	}
}

// flush waits until the status stream has told everything that happened so far: it sends a warning through the job and
// waits to see it come back, behind all that was before it.
func (j *job) flush(ctx context.Context, gw gateway.Client) error {
	mark := "pyline:" + identity.NewID()
	seen := j.status.expect(mark)
	for vertex := range j.graph.names {
		if err := gw.Warn(ctx, vertex, mark, gateway.WarnOpts{}); err != nil {
			return err
		}
		break
	}
	if len(j.graph.names) == 0 {
		return nil
	}
	select {
	case <-seen:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(5 * time.Second):
		return errors.New("the status stream lags behind")
	}
}
