package rest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/jars"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Names of Flink's exceptions that its tools, or people who know Flink, expect in the text of an error.
const (
	classHandler            = "org.apache.flink.runtime.rest.handler.RestHandlerException"
	classNotFound           = "org.apache.flink.runtime.rest.NotFoundException"
	classJobNotFound        = "org.apache.flink.runtime.messages.FlinkJobNotFoundException"
	classTaskManager        = "org.apache.flink.runtime.resourcemanager.exceptions.UnknownTaskExecutorException"
	classRescales           = "org.apache.flink.runtime.rest.handler.job.rescales.RescalesUnavailableException"
	classFlink              = "org.apache.flink.util.FlinkException"
	classApplication        = "org.apache.flink.runtime.messages.FlinkApplicationNotFoundException"
	classUnsupported        = "java.lang.UnsupportedOperationException"
	classIllegalState       = "java.lang.IllegalStateException"
	classNoElement          = "java.util.NoSuchElementException"
	classCheckpoint         = "org.apache.flink.runtime.checkpoint.CheckpointException"
	classOperationsOverflow = "java.util.concurrent.RejectedExecutionException"
)

// refusal is an answer that is no success. Its text is that of Flink's error: a class, and what was wrong.
type refusal struct {
	status      int
	class, text string
	// bare says that the text stands alone.
	bare bool
}

func (r *refusal) Error() string {
	if r.bare {
		return r.text
	}
	return r.class + ": " + r.text
}

// texts are the errors of the answer. What is unexpected is wrapped as Flink does.
func (r *refusal) texts() []string {
	if r.status == http.StatusInternalServerError {
		return []string{"Internal server error.", "<Exception on server side:\n" + r.Error() + "\nEnd of exception on server side>"}
	}
	return []string{r.Error()}
}

func refuse(status int, class, format string, args ...any) error {
	return &refusal{status: status, class: class, text: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return refuse(http.StatusBadRequest, classHandler, format, args...)
}

func notFound(format string, args ...any) error {
	return refuse(http.StatusNotFound, classNotFound, format, args...)
}

// bareText answers with the text alone, as Flink's file server does.
func bareText(status int, format string, args ...any) error {
	return &refusal{status: status, text: fmt.Sprintf(format, args...), bare: true}
}

// noSuchJob is the answer of most endpoints for a job that is not there.
func noSuchJob(job ident.JobID) error { return notFound("Job %s not found", job) }

// jobMissing is the answer of the endpoints that do not expect it.
func jobMissing(job ident.JobID) error {
	return refuse(http.StatusInternalServerError, classJobNotFound, "Could not find Flink job (%s)", job)
}

func taskManagerMissing(id string) error {
	return refuse(http.StatusInternalServerError, classTaskManager, "No TaskExecutor registered under %s.", id)
}

// adaptiveOnly is the answer to whoever asks for requirements under the default scheduler.
const adaptiveOnly = "The DefaultScheduler does not support changing the parallelism without a job restart. " +
	"This feature is currently only expected to work with the AdaptiveScheduler."

// refusalOf makes an answer of any error.
func refusalOf(err error) *refusal {
	var known *refusal
	var malformed *route.Malformed
	var tooBig *http.MaxBytesError
	var over *EndedError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &malformed):
		return &refusal{status: http.StatusBadRequest, class: classHandler, text: err.Error()}
	case errors.As(err, &tooBig):
		return &refusal{status: http.StatusRequestEntityTooLarge, class: classHandler, text: fmt.Sprintf("The request has more than %d bytes.", tooBig.Limit)}
	case errors.Is(err, jars.ErrTooBig):
		return &refusal{status: http.StatusRequestEntityTooLarge, class: classHandler, text: err.Error()}
	case errors.As(err, &over):
		return &refusal{status: http.StatusConflict, class: classHandler, text: err.Error()}
	case errors.Is(err, ErrUnknownJob), errors.Is(err, ErrUnknownTaskManager), errors.Is(err, ErrUnknownFile), errors.Is(err, jars.ErrUnknown):
		return &refusal{status: http.StatusNotFound, class: classNotFound, text: err.Error()}
	case errors.Is(err, ErrDefaultScheduler):
		return &refusal{status: http.StatusInternalServerError, class: classUnsupported, text: adaptiveOnly}
	case errors.Is(err, ErrInvalid):
		return &refusal{status: http.StatusBadRequest, class: classHandler, text: err.Error()}
	case errors.Is(err, ErrUnavailable):
		return &refusal{status: http.StatusServiceUnavailable, class: classHandler, text: err.Error()}
	}
	return &refusal{status: http.StatusInternalServerError, class: classFlink, text: err.Error()}
}

// causeOf says why an asynchronous operation has failed.
func causeOf(err error, job ident.JobID, class string) view.Cause {
	var over *EndedError
	if errors.Is(err, ErrUnknownJob) || errors.As(err, &over) {
		return view.Cause{Class: classJobNotFound, Message: fmt.Sprintf("Could not find Flink job (%s)", job)}
	}
	return view.Cause{Class: class, Message: err.Error()}
}
