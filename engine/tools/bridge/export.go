package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

type platformTarget struct {
	Platform    string        `json:"platform"`
	Digest      digest.Digest `json:"digest"`
	Index       int64         `json:"index"`
	ImageConfig []byte        `json:"imageConfig"`
}

type exportParams struct {
	solveParams
	Type        string            `json:"type"`
	Dest        string            `json:"dest"`
	Attrs       map[string]string `json:"attrs"`
	ImageConfig []byte            `json:"imageConfig"`
	Platforms   []platformTarget  `json:"platforms"`
}

type exportResult struct {
	Executed []digest.Digest   `json:"executed"`
	Cached   []digest.Digest   `json:"cached"`
	Metadata map[string]string `json:"metadata"`
}

func (c call) export(ctx context.Context, p exportParams) (*exportResult, error) {
	if (len(p.Targets) == 1) == (len(p.Platforms) > 0) || len(p.Targets) > 1 {
		return nil, invalid("export takes one target, or platforms")
	}
	j, err := c.newJob(&p.solveParams)
	if err != nil {
		return nil, err
	}
	opt, err := p.options(&j.locals)
	if err != nil {
		return nil, err
	}
	partial := ""
	entry := client.ExportEntry{Type: p.Type, Attrs: p.Attrs}
	switch p.Type {
	case client.ExporterLocal:
		if err := os.MkdirAll(p.Dest, 0o755); err != nil {
			return nil, invalid("dest: %v", err)
		}
		entry.OutputDir = p.Dest
	case client.ExporterTar, client.ExporterOCI, client.ExporterDocker:
		if err := os.MkdirAll(filepath.Dir(p.Dest), 0o755); err != nil {
			return nil, invalid("dest: %v", err)
		}
		// A file of that name is only replaced by a whole one.
		partial = p.Dest + ".partial"
		defer os.Remove(partial)
		entry.Output = func(map[string]string) (io.WriteCloser, error) { return os.Create(partial) }
	case client.ExporterImage:
	default:
		return nil, invalid("unknown type of export: %q", p.Type)
	}
	opt.Exports = []client.ExportEntry{entry}
	metadata, err := j.run(ctx, opt, func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		result := gateway.NewResult()
		if len(p.Platforms) > 0 {
			return result, j.platforms(ctx, gw, p.Platforms, result)
		}
		ref, err := j.evaluate(ctx, gw, p.Targets[0].Digest, p.Targets[0].Index)
		if err != nil {
			return nil, err
		}
		if ref != nil {
			result.SetRef(ref)
		}
		if len(p.ImageConfig) > 0 {
			result.AddMeta(exptypes.ExporterImageConfigKey, p.ImageConfig)
		}
		return result, nil
	})
	if err != nil {
		return nil, err
	}
	if partial != "" {
		if err := os.Rename(partial, p.Dest); err != nil {
			return nil, invalid("dest: %v", err)
		}
	}
	result := &exportResult{Metadata: metadata}
	result.Executed, result.Cached = j.status.ran()
	return result, nil
}

// platforms solves one target a platform, side by side, into one result.
func (j *job) platforms(ctx context.Context, gw gateway.Client, list []platformTarget, result *gateway.Result) error {
	refs := make([]gateway.Reference, len(list))
	all := exptypes.Platforms{Platforms: make([]exptypes.Platform, len(list))}
	targets, ctx := errgroup.WithContext(ctx)
	for i, t := range list {
		parsed, err := platforms.Parse(t.Platform)
		if err != nil {
			return invalid("platform: %v", err)
		}
		parsed = platforms.Normalize(parsed)
		all.Platforms[i] = exptypes.Platform{ID: platforms.FormatAll(parsed), Platform: parsed}
		targets.Go(func() (err error) {
			refs[i], err = j.evaluate(ctx, gw, t.Digest, t.Index)
			return err
		})
	}
	if err := targets.Wait(); err != nil {
		return err
	}
	for i, p := range all.Platforms {
		result.AddRef(p.ID, refs[i])
		if len(list[i].ImageConfig) > 0 {
			result.AddMeta(exptypes.ExporterImageConfigKey+"/"+p.ID, list[i].ImageConfig)
		}
	}
	data, err := json.Marshal(all)
	if err != nil {
		return err
	}
	result.AddMeta(exptypes.ExporterPlatformsKey, data)
	return nil
}
