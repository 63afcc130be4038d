package main

import (
	"encoding/json"
	"net"
	"os"
	"strconv"
	"time"
)

// ready asks for a line when a service can be used: when each of its TCP ports answers, and its health check is content.
type ready struct {
	// Where the ports are; "": the first address of the container that others can reach.
	Address string  `json:"address"`
	Ports   []int   `json:"ports"`
	Health  *health `json:"health"`
}

type readyLine struct {
	Ready   bool   `json:"ready"`
	Address string `json:"address"`
}

type unhealthyLine struct {
	Unhealthy *unhealthy `json:"unhealthy"`
}

// announce waits for the ports, as long as it takes: when the command ends, so does this process.
func (r *ready) announce(run func(args []string, timeout time.Duration) unhealthy) {
	address := r.Address
	if address == "" {
		address = ownAddress()
	}
	for _, port := range r.Ports {
		for wait := 5 * time.Millisecond; !answers(net.JoinHostPort(address, strconv.Itoa(port))); wait = min(2*wait, 100*time.Millisecond) {
			time.Sleep(wait)
		}
	}
	line, _ := json.Marshal(readyLine{Ready: true, Address: address})
	if r.Health != nil {
		if last := r.Health.await(run); last != nil {
			line, _ = json.Marshal(unhealthyLine{last})
		}
	}
	_, _ = os.Stderr.WriteString(trailerMark + string(line) + "\n")
}

func answers(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// ownAddress is the container's IPv4 address; its loopback address when it has no network of its own.
func ownAddress() string {
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}
