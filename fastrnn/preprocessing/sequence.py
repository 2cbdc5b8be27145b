"""Sequences, at Keras's older path."""

from fastrnn.preprocessing.skipgrams import make_sampling_table, skipgrams
from fastrnn.preprocessing.timeseries_generator import TimeseriesGenerator
from fastrnn.utils.sequences import pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]
