package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
)

// backend is a local server as a process of its own: started, killed, started again on the same port, and
// told to misbehave.
type backend struct {
	program, name string
	port, control int
	process       *exec.Cmd
	// lifeline is its standard input: it ends when we close it, or die.
	lifeline io.WriteCloser
	// reservation holds the port of a dead server: bound and not listening, so that dialling it is
	// refused as it should be, yet no other program can be given it.
	reservation int
}

// start starts it and waits for the line that says where it listens.
func (b *backend) start() error {
	b.process = exec.Command(b.program, "--name", b.name, "--port", fmt.Sprint(b.port), "--exit-with-stdin")
	// A group of its own: Ctrl-C reaches the demo alone, which then ends its servers in order.
	b.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	b.process.Stderr = os.Stderr
	lifeline, err := b.process.StdinPipe()
	if err != nil {
		return err
	}
	output, err := b.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.process.Start(); err != nil {
		b.process = nil
		return err
	}
	b.lifeline = lifeline
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("server %s: expected a line with its ports: %w", b.name, err)
	}
	var said struct{ Port, Control int }
	if err := json.Unmarshal(line, &said); err != nil {
		return fmt.Errorf("server %s: %q: %w", b.name, line, err)
	}
	b.port, b.control = said.Port, said.Control
	b.release() // it listens by now
	return nil
}

// kill kills it the hard way, as a crash would.
func (b *backend) kill() error {
	if err := b.process.Process.Kill(); err != nil {
		return err
	}
	_ = b.process.Wait() // that it was killed is known
	b.process = nil
	return b.reserve()
}

func (b *backend) reserve() error {
	held, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	// Lets the server that starts again bind beside us.
	if err := syscall.SetsockoptInt(held, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	address := &syscall.SockaddrInet4{Port: b.port, Addr: [4]byte(net.IPv4(127, 0, 0, 1).To4())}
	b.reservation = held
	return syscall.Bind(held, address)
}

func (b *backend) release() {
	if b.reservation > 0 {
		_ = syscall.Close(b.reservation) // it held nothing but the port
		b.reservation = 0
	}
}

// mode puts a mode in force, such as "ok", "status=503" or "hang?scope=work".
func (b *backend) mode(mode string) error {
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/mode/%s", b.control, mode))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("server %s: mode %s: %s", b.name, mode, response.Status)
	}
	return nil
}

// stop ends it, if it runs.
func (b *backend) stop() {
	b.release()
	if b.process != nil {
		_ = b.lifeline.Close()       // that is its end
		_ = b.process.Process.Kill() // and this is, too: nothing may outlive the demo
		_ = b.process.Wait()         // its exit code is ours to ignore then
		b.process = nil
	}
}
