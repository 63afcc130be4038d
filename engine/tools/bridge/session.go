package main

import (
	"context"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/tonistiigi/fsutil"
)

type login struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

type localSource struct {
	Root    string `json:"root"`
	Entries string `json:"entries"`
	Dir     string `json:"dir"`
}

// inputs is what a job may ask this side for.
type inputs struct {
	Locals       map[string]localSource `json:"locals"`
	OCILayouts   map[string]string      `json:"ociLayouts"`
	Secrets      map[string][]byte      `json:"secrets"`
	RegistryAuth map[string]login       `json:"registryAuth"`
	Entitlements []string               `json:"entitlements"`
}

// options makes the options of a job; what local sources find wrong with their files goes to `locals`.
func (in *inputs) options(locals *localErrors) (client.SolveOpt, error) {
	opt := client.SolveOpt{
		LocalMounts:         map[string]fsutil.FS{},
		OCIStores:           map[string]content.Store{},
		AllowedEntitlements: in.Entitlements,
		Session:             []session.Attachable{secretsprovider.FromMap(in.Secrets), registryAuth(in.RegistryAuth)},
	}
	for name, l := range in.Locals {
		fs, err := openLocal(l, locals)
		if err != nil {
			return opt, invalid("locals[%s]: %v", name, err)
		}
		opt.LocalMounts[name] = fs
	}
	for name, dir := range in.OCILayouts {
		store, err := contentlocal.NewStore(dir)
		if err != nil {
			return opt, invalid("ociLayouts[%s]: %v", name, err)
		}
		opt.OCIStores[name] = store
	}
	return opt, nil
}

// registryAuth answers BuildKit's questions for credentials from a table.
func registryAuth(logins map[string]login) session.Attachable {
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: func(_ context.Context, host string, _ []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
			for _, key := range registryNames(host) {
				if l, ok := logins[key]; ok {
					return types.AuthConfig{ServerAddress: host, Username: l.Username, Password: l.Password}, nil
				}
			}
			return types.AuthConfig{}, nil
		},
	})
}

// registryNames lists the names a registry may have been given credentials under.
func registryNames(host string) []string {
	switch host {
	case "docker.io", "index.docker.io", authprovider.DockerHubRegistryHost, authprovider.DockerHubConfigfileKey:
		return []string{"docker.io", "index.docker.io", authprovider.DockerHubRegistryHost, authprovider.DockerHubConfigfileKey}
	}
	return []string{host, strings.TrimPrefix(strings.TrimPrefix(host, "https://"), "http://")}
}
