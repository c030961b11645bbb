package main

import (
	"strings"
	"testing"
)

func TestTheEngineAnswersEachLineAndEndsWithAnEmptyRequest(t *testing.T) {
	t.Parallel()
	var answers strings.Builder
	if err := serve(strings.NewReader(`{"echo":"a"}`+"\n"+`{"run":"echo b; exit 3"}`+"\n{}\nnot read"), &answers); err != nil {
		t.Fatal(err)
	}
	want := `{"out":"here"}` + "\n" + `{"out":"a"}` + "\n" + `{"out":"b\n","error":"exit status 3"}` + "\n"
	if answers.String() != want {
		t.Errorf("answers:\n%swant:\n%s", answers.String(), want)
	}
}
