// A log of certificates: CTFE in front of Trillian, in one process that forgets everything when it ends.
package main

import (
	"context"
	"encoding/pem"
	"flag"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/google/certificate-transparency-go/trillian/ctfe"
	"github.com/google/certificate-transparency-go/trillian/ctfe/configpb"
	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/crypto/keys"
	"github.com/google/trillian/crypto/keys/der"
	"github.com/google/trillian/crypto/keyspb"
	"github.com/google/trillian/extension"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/testonly/integration"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	listen := flag.String("listen", "", "host:port")
	key := flag.String("key", "", "the key that signs, PKCS #8 in PEM")
	roots := flag.String("roots", "", "the authorities whose certificates are taken, PEM")
	flag.Parse()
	if err := serve(context.Background(), *listen, *key, *roots); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, listen, key, roots string) error {
	trees := memory.NewTreeStorage()
	env, err := integration.NewLogEnvWithRegistry(ctx, 1, extension.Registry{
		AdminStorage: memory.NewAdminStorage(trees),
		LogStorage:   memory.NewLogStorage(trees, nil),
		QuotaManager: quota.Noop(),
	})
	if err != nil {
		return err
	}
	defer env.Close()
	tree, err := client.CreateAndInitTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeState:       trillian.TreeState_ACTIVE,
		TreeType:        trillian.TreeType_LOG,
		MaxRootDuration: durationpb.New(time.Hour),
	}}, env.Admin, env.Log)
	if err != nil {
		return err
	}

	text, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		log.Fatalf("%s: no key", key)
	}
	keys.RegisterHandler(&keyspb.PrivateKey{}, der.FromProto)
	private, err := anypb.New(&keyspb.PrivateKey{Der: block.Bytes})
	if err != nil {
		return err
	}
	config, err := ctfe.ValidateLogConfig(&configpb.LogConfig{
		LogId:        tree.TreeId,
		Prefix:       "log",
		RootsPemFile: []string{roots},
		PrivateKey:   private,
		ExtKeyUsages: []string{"CodeSigning"},
	})
	if err != nil {
		return err
	}
	instance, err := ctfe.SetUpInstance(ctx, ctfe.InstanceOptions{
		Validated:     config,
		Client:        env.Log,
		Deadline:      10 * time.Second,
		MetricFactory: monitoring.InertMetricFactory{},
		RequestLog:    new(ctfe.DefaultRequestLog),
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for path, handler := range instance.Handlers {
		mux.Handle(path, handler)
	}
	return http.ListenAndServe(listen, mux)
}
