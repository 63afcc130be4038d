// The timestamp authority of Sigstore with a key in memory, where one says: its own command also listens on port 2112 of all addresses.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

// What the authority says it goes by, in each timestamp.
const policy = "1.3.6.1.4.1.57264.2"

func main() {
	host := flag.String("host", "127.0.0.1", "")
	port := flag.Int("port", 0, "")
	flag.Parse()
	viper.Set("timestamp-signer", "memory")
	viper.Set("timestamp-signer-hash", "sha256")
	viper.Set("default-policy-oid", policy)
	viper.Set("accepted-policy-oids", []string{policy})
	authority := server.NewRestAPIServer(*host, *port, []string{"http"}, false, time.Minute, time.Minute)
	if err := authority.Serve(); err != nil {
		log.Fatal(err)
	}
}
