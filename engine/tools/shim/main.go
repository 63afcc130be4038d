// Command shim is the first process of every step's container. See README.md.
package main

import (
	"fmt"
	"os"
)

const specPath = "/.pyline/spec.json"

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: shim exec|terminal|query|transform [spec.json]")
		os.Exit(2)
	}
	path := specPath
	if len(os.Args) > 2 {
		path = os.Args[2]
	}
	switch os.Args[1] {
	case "exec":
		os.Exit(runExec(path))
	case "terminal":
		os.Exit(runTerminal(path))
	case "query":
		os.Exit(runQuery(path))
	case "transform":
		os.Exit(runTransform(path))
	default:
		fmt.Fprintf(os.Stderr, "shim: unknown command %q\n", os.Args[1])
		os.Exit(2)
	}
}
