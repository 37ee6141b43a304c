"""KMD Opus posteringer IND: other systems deliver postings as files, and learn what is wrong with them.

`receiving` takes a file from its bytes to its receipt; `inspection` tells the same without effect. On the
way: `reading` streams the file, `schema` and `mistakes` hold it against `wsdl/PosteringerInd`, `files` looks
at it as a whole, `checks` and `judging` at each voucher, `drafts` makes vouchers of it, `receipts` writes.
"""
