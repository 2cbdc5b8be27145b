"""The reason codes of ``ModelFileError``: one for each rule, and what the rule says."""

from __future__ import annotations

REASONS = {
    # Any file.
    "not_a_file": "neither a regular file nor bytes",
    # Zip archives.
    "not_a_zip": "a zip archive ends in a directory of its members",
    "zip_outside": "an archive has no data before, between or after its members",
    "zip_overlap": "members do not share bytes",
    "zip_contradiction": "the directory, its end record and the members' headers say the same",
    "zip_too_many": "an archive has at most limits.MEMBERS members",
    "member_name": "a member's name is a plain relative path on every system",
    "member_duplicate": "no two members have the same name, in whatever case",
    "member_kind": "members are regular files, no links, folders or devices",
    "member_encrypted": "members are not encrypted",
    "member_compression": "members are stored or deflated",
    "member_size": "a member has the size that is declared",
    "member_checksum": "a member has the checksum that is declared",
    "member_missing": "the archive has the members that its format needs",
    "compression_bomb": "what comes out of a file is not larger than limits.inflated_bytes",
    # JSON.
    "json_size": "JSON has at most limits.JSON_BYTES bytes and limits.JSON_VALUES values",
    "json_text": "JSON is UTF-8 without a byte order mark",
    "not_json": "JSON follows its grammar",
    "json_depth": "JSON is nested at most limits.JSON_DEPTH deep",
    "json_key": "an object has each key once, and none like __this__",
    "json_number": "numbers are finite, and integers fit into 64 bits",
    "json_surrogate": "strings are valid Unicode",
    # NumPy arrays.
    "npy_header": "an array has NumPy's header",
    "npy_dtype": "an array holds bools, integers or floats",
    "npy_shape": "an array has few axes, of lengths that a computer can have",
    "npy_length": "an array has as many bytes as its shape needs",
    # HDF5.
    "not_hdf5": "an HDF5 file begins with HDF5's signature",
    "hdf5_damaged": "an HDF5 file can be read by the HDF5 library",
    "hdf5_name": "names are text without control characters",
    "hdf5_link": "groups hold objects, no soft or external links to them",
    "hdf5_shared": "each object stands in one place: no cycles, no object under two names",
    "hdf5_depth": "groups are nested at most limits.HDF5_DEPTH deep",
    "hdf5_too_many": "a file has at most limits.HDF5_OBJECTS groups, datasets and attributes",
    "hdf5_kind": "a file holds groups and datasets, no named types",
    "hdf5_attribute": "attributes are numbers and text, at most limits.HDF5_ATTRIBUTE_BYTES long",
    "hdf5_dtype": "datasets hold integers or floats in a common format",
    "hdf5_external": "the values of a dataset stand in the file itself",
    "hdf5_virtual": "a dataset is not put together from others",
    "hdf5_filter": "datasets are plain, or shuffled and deflated",
    "hdf5_chunks": "a chunk is no larger than its dataset, and inflates to its size",
    "hdf5_storage": "as many values are stored as the shape of a dataset needs",
    "hdf5_missing": "a file has the groups, datasets and attributes that its format needs",
    # Arrays that belong to something.
    "unexpected_shape": "an array has the shape that its weight needs",
}
