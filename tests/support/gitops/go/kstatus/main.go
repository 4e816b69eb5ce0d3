// Kstatus reads objects, one JSON document after another, and writes what kstatus makes of each as one JSON line.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type answer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var document json.RawMessage
		if err := in.Decode(&document); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fail(err)
		}
		object := &unstructured.Unstructured{} // its own decoder: numbers are integers, as kstatus expects them
		if err := object.UnmarshalJSON(document); err != nil {
			fail(err)
		}
		found, err := status.Compute(object)
		if err != nil {
			fail(err)
		}
		if err := out.Encode(answer{found.Status.String(), found.Message}); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
