package main

import (
	"context"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

type resolveParams struct {
	Ref          string           `json:"ref"`
	Platform     string           `json:"platform"`
	RegistryAuth map[string]login `json:"registryAuth"`
	OCILayout    string           `json:"ociLayout"`
	Mode         string           `json:"mode"`
}

type resolveResult struct {
	Ref    string        `json:"ref"`
	Digest digest.Digest `json:"digest"`
	Config []byte        `json:"config"`
}

func (c call) resolveImage(ctx context.Context, p resolveParams) (*resolveResult, error) {
	var platform *ocispecs.Platform
	if p.Platform != "" {
		parsed, err := platforms.Parse(p.Platform)
		if err != nil {
			return nil, invalid("platform: %v", err)
		}
		platform = &parsed
	}
	op := &pb.SourceOp{Identifier: "docker-image://" + p.Ref}
	opt := sourceresolver.Opt{LogName: "resolve " + p.Ref}
	in := inputs{RegistryAuth: p.RegistryAuth}
	if p.OCILayout != "" {
		in.OCILayouts = map[string]string{"layout": p.OCILayout}
		op = &pb.SourceOp{Identifier: "oci-layout://" + p.Ref, Attrs: map[string]string{pb.AttrOCILayoutStoreID: "layout"}}
		opt.OCILayoutOpt = &sourceresolver.ResolveOCILayoutOpt{Platform: platform}
	} else {
		opt.ImageOpt = &sourceresolver.ResolveImageOpt{Platform: platform, ResolveMode: p.Mode}
	}
	j, err := c.newJob(&solveParams{})
	if err != nil {
		return nil, err
	}
	solveOpt, err := in.options(&j.locals)
	if err != nil {
		return nil, err
	}
	result := &resolveResult{}
	_, err = j.run(ctx, solveOpt, func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		if opt.OCILayoutOpt != nil {
			// The session of this job holds the layout; BuildKit cannot be asked to find it by itself here.
			op.Attrs[pb.AttrOCILayoutSessionID] = gw.BuildOpts().SessionID
			opt.OCILayoutOpt.Store = sourceresolver.ResolveImageConfigOptStore{SessionID: gw.BuildOpts().SessionID, StoreID: "layout"}
		}
		meta, err := gw.ResolveSourceMetadata(ctx, op, opt)
		if err != nil && ctx.Err() == nil {
			return nil, &rpcError{Code: classifySource(err), Message: err.Error()}
		}
		if err != nil {
			return nil, err
		}
		if meta.Image == nil {
			return nil, &rpcError{Code: "NOT_FOUND", Message: p.Ref + " is not an image"}
		}
		ref := meta.Op.Identifier
		_, ref, _ = strings.Cut(ref, "://")
		if !strings.Contains(ref, "@") {
			ref += "@" + meta.Image.Digest.String()
		}
		result.Ref, result.Digest, result.Config = ref, meta.Image.Digest, meta.Image.Config
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}
