package procfault

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// SetClock makes a process see the wall clock that far from the host's, in
// whole seconds; its other clocks run on. Zero sets it right again. Neither the
// host's clock nor another process is touched: the code with which the kernel
// lets this one process read its clocks (the vDSO) is replaced in its memory.
func SetClock(pid int, offset time.Duration) (err error) {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("procfault: the clock of one process can be set on amd64 only, this is %s", runtime.GOARCH)
	}
	for range entryAttempts {
		err = setClock(pid, offset)
		if !errors.Is(err, errInside) {
			return err
		}
	}
	return err
}

// entryAttempts is how often a thread may be met in the instruction that is to
// be replaced.
const entryAttempts = 100

var errInside = errors.New("procfault: a thread is about to read its clock")

func setClock(pid int, offset time.Duration) (err error) {
	v, err := findVDSO(pid)
	if err != nil {
		return err
	}
	if err := Freeze(pid); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Thaw(pid)) }()
	inside, err := v.entered(pid)
	if err != nil {
		return err
	}
	if inside {
		return errInside
	}
	return v.replace(pid, offset)
}

// vdso is where a process has the function clock_gettime.
type vdso struct {
	entry uint64 // of the function
	spare uint64 // of memory behind the code that nothing uses
}

// jump is the length of the instruction that leads from entry to spare.
const jump = 5

// clockHead is clock_gettime by a plain system call, up to the seconds that are
// added to the wall clock's answer.
func clockHead() []byte {
	return []byte{
		0xb8, 0xe4, 0, 0, 0, // mov $228, %eax: clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test %edi, %edi: CLOCK_REALTIME is 0
		0x75, 0x0d, // jne to ret
		0x48, 0xb9, // movabs $seconds, %rcx
	}
}

func clockCode(seconds int64) []byte {
	code := binary.LittleEndian.AppendUint64(clockHead(), uint64(seconds))
	return append(code, 0x48, 0x01, 0x0e, // add %rcx, (%rsi)
		0xc3) // ret
}

// findVDSO reads the process's memory map and the symbols of the vDSO.
func findVDSO(pid int) (vdso, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return vdso{}, fmt.Errorf("procfault: %w", err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			var begin, end uint64
			if _, err := fmt.Sscanf(line, "%x-%x", &begin, &end); err != nil {
				return vdso{}, fmt.Errorf("procfault: memory map of process %d: %w", pid, err)
			}
			return readVDSO(pid, begin, end)
		}
	}
	return vdso{}, fmt.Errorf("procfault: process %d has no vDSO: its clock cannot be set", pid)
}

func readVDSO(pid int, begin, end uint64) (vdso, error) {
	image := make([]byte, end-begin)
	err := onMemory(pid, os.O_RDONLY, func(memory *os.File) error {
		_, err := memory.ReadAt(image, int64(begin))
		return err
	})
	if err != nil {
		return vdso{}, err
	}
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return vdso{}, fmt.Errorf("procfault: vDSO of process %d: %w", pid, err)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return vdso{}, fmt.Errorf("procfault: vDSO of process %d: %w", pid, err)
	}
	for _, symbol := range symbols {
		if symbol.Name != "__vdso_clock_gettime" {
			continue
		}
		v := vdso{entry: begin + symbol.Value, spare: end - uint64(len(clockCode(0)))}
		rest := image[v.spare-begin:]
		if !bytes.HasPrefix(rest, clockHead()) && len(bytes.Trim(rest, "\x00")) > 0 {
			return vdso{}, fmt.Errorf("procfault: the vDSO of process %d has no room: its clock cannot be set", pid)
		}
		return v, nil
	}
	return vdso{}, fmt.Errorf("procfault: the vDSO of process %d has no clock_gettime: its clock cannot be set", pid)
}

// entered reports whether a thread of the stopped process stands in the
// instructions that are to be replaced.
func (v vdso) entered(pid int) (bool, error) {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	if err != nil || len(names) == 0 {
		return false, errors.Join(fmt.Errorf("procfault: process %d has ended", pid), err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return false, fmt.Errorf("procfault: %w", err)
		}
		fields := strings.Fields(string(data)) // the last is the instruction pointer
		if len(fields) == 0 {
			return false, fmt.Errorf("procfault: %s is empty", name)
		}
		at, err := strconv.ParseUint(fields[len(fields)-1], 0, 64)
		if err != nil {
			return false, fmt.Errorf("procfault: %s: %w", name, err)
		}
		// At the entry itself nothing of the old code has been executed.
		if at > v.entry && at < v.entry+jump {
			return true, nil
		}
	}
	return false, nil
}

// replace writes the code, and only then what leads to it.
func (v vdso) replace(pid int, offset time.Duration) error {
	leap := binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(v.spare-v.entry-jump))
	return onMemory(pid, os.O_RDWR, func(memory *os.File) error {
		if _, err := memory.WriteAt(clockCode(int64(offset/time.Second)), int64(v.spare)); err != nil {
			return err
		}
		_, err := memory.WriteAt(leap, int64(v.entry))
		return err
	})
}

func onMemory(pid, mode int, do func(*os.File) error) error {
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), mode, 0)
	if err != nil {
		return fmt.Errorf("procfault: %w: this needs root, or the right to trace the process", err)
	}
	err = do(memory)
	if closeErr := memory.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("procfault: memory of process %d: %w", pid, err)
	}
	return nil
}
