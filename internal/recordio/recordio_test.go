package recordio_test

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/recordio"
)

func TestReader(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
		err  error
	}{
		"an ended stream without records":              {"", nil, io.EOF},
		"records follow each other without separators": {"3\nabc1\nd", []string{"abc", "d"}, io.EOF},
		"empty records are skipped":                    {"0\n2\nab0\n", []string{"ab"}, io.EOF},
		"a record may hold newlines and digits":        {"4\n1\n2\n", []string{"1\n2\n"}, io.EOF},
		"a stream cut within a record":                 {"1\na5\nabc", []string{"a"}, io.ErrUnexpectedEOF},
		"a stream cut within a length":                 {"1\na12", []string{"a"}, io.ErrUnexpectedEOF},
		"a length that is no number":                   {"1\nax\n", []string{"a"}, recordio.ErrMalformed},
		"a negative length":                            {"-1\na", nil, recordio.ErrMalformed},
		"a length that overflows an int":               {"18446744073709551615\na", nil, recordio.ErrMalformed},
		"a length without end":                         {strings.Repeat("1", 100), nil, recordio.ErrMalformed},
		"a record larger than anyone sends":            {strconv.Itoa(recordio.MaxRecord+1) + "\na", nil, recordio.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			r := recordio.NewReader(iotest.OneByteReader(strings.NewReader(c.in)))
			var got []string
			for {
				record, err := r.Next()
				if err != nil {
					require.ErrorIs(t, err, c.err)
					break
				}
				got = append(got, string(record))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestReaderTakesMoreThanMesosGoDoes(t *testing.T) {
	big := strings.Repeat("x", 5<<20)
	record, err := recordio.NewReader(strings.NewReader(strconv.Itoa(len(big)) + "\n" + big)).Next()
	require.NoError(t, err)
	require.Len(t, record, len(big))
}

type decoder func(record []byte) error

func (d decoder) Unmarshal(record []byte) error { return d(record) }

func TestDecode(t *testing.T) {
	broken := errors.New("no such field")
	require.NoError(t, recordio.Decode(nil, decoder(func([]byte) error { return nil })))
	err := recordio.Decode(nil, decoder(func([]byte) error { return broken }))
	require.ErrorIs(t, err, recordio.ErrMalformed)
	require.ErrorIs(t, err, broken)
	err = recordio.Decode([]byte("ab"), decoder(func(record []byte) error { return fmt.Errorf("%c", record[len(record)]) }))
	require.ErrorIs(t, err, recordio.ErrMalformed)
	require.ErrorContains(t, err, "out of range")
}

func FuzzReader(f *testing.F) {
	f.Add("3\nabc1\nd")
	f.Add("0\n00\n-1\n")
	f.Add("99999999999\na")
	f.Fuzz(func(t *testing.T, in string) {
		r := recordio.NewReader(strings.NewReader(in))
		total := 0
		for {
			record, err := r.Next()
			if err != nil {
				return
			}
			require.NotEmpty(t, record)
			total += len(record)
			require.LessOrEqual(t, total, len(in), "more came out than went in")
		}
	})
}
