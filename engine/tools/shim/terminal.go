package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// runTerminal becomes the command, which has the terminal that this process was given. Nothing is recorded.
func runTerminal(path string) int {
	var spec execSpec
	err := readSpec(path, &spec)
	if err == nil {
		err = becomeCommand(&spec)
	}
	fmt.Fprintf(os.Stderr, "%v\r\n", err)
	return statusOther
}

// becomeCommand returns only what kept it from doing so.
func becomeCommand(spec *execSpec) error {
	if len(spec.Args) == 0 {
		return errors.New("no command has been set")
	}
	env := commandEnv(spec)
	who := account{home: homeOf(0, "/etc/passwd")}
	if spec.User != "" {
		var err error
		if who, err = lookupUser(spec.User, "/etc/passwd", "/etc/group"); err != nil {
			return err
		}
	}
	if !spec.KeepHome {
		env = setEnv(env, "HOME", orDefault(who.home, "/"))
	}
	workdir := orDefault(spec.Workdir, "/")
	if err := prepareAll(spec.Prepare); err != nil {
		return err
	}
	if err := os.Chdir(workdir); err != nil {
		return err
	}
	command, err := lookPath(spec.Args[0], env, workdir)
	if err != nil {
		return err
	}
	if spec.User != "" {
		// The terminal is the user's, as it is after a login.
		_ = os.Stdin.Chown(int(who.uid), int(who.gid))
		groups := make([]int, len(who.groups))
		for i, g := range who.groups {
			groups[i] = int(g)
		}
		if err := errors.Join(syscall.Setgroups(groups), syscall.Setgid(int(who.gid)), syscall.Setuid(int(who.uid))); err != nil {
			return err
		}
	}
	return fmt.Errorf("fork/exec %s: %w", command, syscall.Exec(command, spec.Args, env))
}
