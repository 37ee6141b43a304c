"""SF1590_D Afsend Faktura til Godkendelse: invoices go out for approval, come back accounted, are booked.

`importing` takes the files, `routing` finds the case system, `lending` sends and recalls, `answers`
takes the answers, `booking` makes vouchers of them; `service` and `sending` are the two ends of the wire,
`messages` and `contract` its shapes.
"""
