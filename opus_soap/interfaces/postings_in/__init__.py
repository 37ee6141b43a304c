"""KMD Opus posteringer IND: other systems deliver postings as files, and learn what is wrong with them.

`reading` streams a FinancePostingRequest, `schema` and `mistakes` hold it against `wsdl/PosteringerInd`,
`checks` against itself, `receipts` writes the FinancePostingResponse; `report` is for people.
"""
