"""Callbacks: what is called at each point of training, evaluation and prediction.

>>> from fastrnn.callbacks import LambdaCallback
>>> report = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
"""

from fastrnn.callbacks.backup import BackupAndRestore
from fastrnn.callbacks.base import Callback, CallbackList, History, LambdaCallback
from fastrnn.callbacks.checkpoint import ModelCheckpoint
from fastrnn.callbacks.csv_logger import CSVLogger
from fastrnn.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from fastrnn.callbacks.monitor import EarlyStopping
from fastrnn.callbacks.progress import ProgbarLogger
from fastrnn.callbacks.swap_ema_weights import SwapEMAWeights
from fastrnn.callbacks.tensorboard import TensorBoard
from fastrnn.callbacks.terminate_on_nan import TerminateOnNaN
from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_paths import old_modules

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]

__getattr__ = lazy_attributes(__name__, old_modules(__name__))
