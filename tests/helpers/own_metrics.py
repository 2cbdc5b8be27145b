"""Metrics of one's own, written Keras's way: each function makes one for the package it gets."""


def function(package):
    def rmse(y_true, y_pred):
        return package.ops.sqrt(package.ops.mean(package.ops.square(y_pred - y_true)))

    return rmse


def per_sample(package):
    def error(y_true, y_pred):
        return package.ops.mean(package.ops.abs(y_true - y_pred), axis=-1)

    return error


def wrapped(package):
    return package.metrics.MeanMetricWrapper(per_sample(package), name="wrapped")


def with_state(package):
    ops = package.ops

    class Share(package.metrics.Metric):
        def __init__(self, name="share", **kwargs):
            super().__init__(name=name, **kwargs)
            self.hits = self.add_weight(name="hits", initializer="zeros")
            self.count = self.add_variable(shape=(), initializer="zeros", name="count")

        def update_state(self, y_true, y_pred, sample_weight=None):
            hit = ops.cast(ops.less(ops.abs(y_true - y_pred), 0.7), "float32")
            self.hits.assign_add(ops.sum(hit))
            self.count.assign(self.count + ops.cast(ops.size(hit), "float32"))

        def result(self):
            return self.hits / (self.count + 1e-7)

        def reset_state(self):
            self.hits.assign(0.0)
            self.count.assign(0.0)

    return Share()


def several(package):
    class Both(package.metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.mean = package.metrics.Mean()
            self.most = self.add_weight(shape=(2,), initializer="zeros", name="most")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.mean.update_state(y_pred, sample_weight)
            self.most.assign(package.ops.maximum(self.most, package.ops.max(y_pred, axis=0)))

        def result(self):
            return {"mean_of_both": self.mean.result(), "most": package.ops.max(self.most)}

    return Both(name="both")


def extended(package):
    class Doubled(package.metrics.MeanSquaredError):
        def update_state(self, y_true, y_pred, sample_weight=None):
            return super().update_state(2 * y_true, 2 * y_pred, sample_weight)

    return Doubled(name="doubled")


OWN_METRICS = [function, per_sample, wrapped, with_state, several, extended]
