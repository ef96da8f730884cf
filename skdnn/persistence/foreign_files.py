"""What a file that is not a `.skdnn` file looks like, by its first bytes."""

_STARTS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, as Keras writes with the extension .h5",
    b"\x1f\x8b": "a file compressed by gzip",
    b"BZh": "a file compressed by bzip2",
    b"\xfd7zXZ\x00": "a file compressed by xz",
    b"\x93NUMPY": "an array of NumPy (.npy)",
    b"PAR1": "a Parquet file",
    b"version https://git-lfs": "a pointer of Git LFS: fetch the file itself with `git lfs pull`",
    b"%PDF": "a PDF file",
    b"\x89PNG": "a PNG image",
    b"\x7fELF": "a program",
}
_PICKLE = (
    "a pickle, which is not opened here: a pickle can run any code. If you trust it, read "
    "it with pickle.load or joblib.load, and write the estimator again with skdnn.save"
)
# Names of files in a zip archive that tell its kind, in this order.
_IN_ZIPS = {
    b"model.weights.h5": "a .keras file: read it with keras.saving.load_model",
    b"schema.json": "a file of skops: read it with skops.io.load",
    b".npy": "arrays of NumPy (.npz)",
    b"": "a zip archive",
}
# The first bytes at the compression levels 0 to 9.
_ZLIB = (b"x\x01", b"x^", b"x\x9c", b"x\xda")
_TEXTS = (b"{", b"[", b"<", b'"', b"#")


def looks_like(start: bytes) -> str:
    """Return what a file looks like, as in "a pickle".

    Parameters
    ----------
    start : bytes
        The first bytes of the file, or all of them.

    Returns
    -------
    kind : str
        The kind of file. "a file of another kind" if none is recognised.
    """
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _PICKLE
    if start[:4] == b"PK\x03\x04":
        return next(kind for name, kind in _IN_ZIPS.items() if name in start)
    # The first field of an ONNX model is the version of ONNX, the second one a text or a number.
    if start[:1] == b"\x08" and b"\x01" <= start[1:2] <= b"\x20" and start[2:3] in b"\x12\x1a\x3a":
        return "an ONNX model: run it with onnxruntime"
    for beginning, kind in _STARTS.items():
        if start.startswith(beginning):
            return kind
    if start.lstrip().startswith(_TEXTS) or _is_text(start):
        return "a text file"
    if start.startswith(_ZLIB):
        return "a file compressed by zlib, as joblib.dump writes with compress"
    return "a file of another kind"


def _is_text(start: bytes) -> bool:
    return start.isascii() and start[:4096].decode("ascii").replace("\n", "").isprintable()
