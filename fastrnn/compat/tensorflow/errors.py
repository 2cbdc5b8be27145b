"""`tf.errors`: what scripts catch, as the errors that fastrnn raises."""

InvalidArgumentError = ValueError
FailedPreconditionError = RuntimeError
InternalError = RuntimeError
NotFoundError = OSError
OpError = Exception
OutOfRangeError = StopIteration
PermissionDeniedError = PermissionError
ResourceExhaustedError = MemoryError
UnavailableError = ConnectionError
UnimplementedError = NotImplementedError
UnknownError = RuntimeError
AlreadyExistsError = FileExistsError
