// Command bridge puts BuildKit's Go client behind newline-delimited JSON. See README.md.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) > 1 {
		if os.Args[1] == "layout" {
			if err := layoutCommand(os.Args[2:], os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, "bridge layout:", err)
				os.Exit(1)
			}
			return
		}
		fmt.Fprintln(os.Stderr, "usage: bridge                 (requests on standard input)\n       bridge layout --help")
		os.Exit(2)
	}
	os.Exit(serve(os.Stdin, os.Stdout))
}
