package ec2test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// doors are the listeners of the Cloud.
type doors struct {
	mu      sync.Mutex
	servers []*http.Server
	running sync.WaitGroup // accept loops and requests
	shut    bool
	closed  chan struct{}
}

// ServeEC2 listens with the EC2 API and returns its URL. The address is on
// loopback; "" means 127.0.0.1 and any port.
func (c *Cloud) ServeEC2(address string) (string, error) { return c.listen(address, c.EC2()) }

// ServeIMDS listens with the metadata of an instance and returns its URL.
func (c *Cloud) ServeIMDS(instanceID, address string) (string, error) {
	return c.listen(address, c.IMDS(instanceID))
}

func (c *Cloud) listen(address string, h http.Handler) (string, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("ec2test: address %s: %w", address, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("ec2test: %s is not on loopback", address)
	}
	c.doors.mu.Lock()
	defer c.doors.mu.Unlock()
	if c.doors.shut {
		return "", errors.New("ec2test: closed")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("ec2test: listen on %s: %w", address, err)
	}
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.doors.enter() {
			panic(http.ErrAbortHandler)
		}
		defer c.doors.running.Done()
		h.ServeHTTP(w, r)
	})}
	c.doors.servers = append(c.doors.servers, s)
	c.doors.running.Go(func() { _ = s.Serve(l) }) // ends with Close
	return "http://" + l.Addr().String(), nil
}

// enter counts a request in, unless the doors are shut.
func (d *doors) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return false
	}
	d.running.Add(1)
	return true
}

// Close ends listeners and delays, and waits for the requests.
func (c *Cloud) Close() error {
	c.doors.mu.Lock()
	if !c.doors.shut {
		c.doors.shut = true
		close(c.doors.closed)
	}
	servers := c.doors.servers
	c.doors.servers = nil
	c.doors.mu.Unlock()

	var errs []error
	for _, s := range servers {
		errs = append(errs, s.Close())
	}
	c.doors.running.Wait()
	return errors.Join(errs...)
}
