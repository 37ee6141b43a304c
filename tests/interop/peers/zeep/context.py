"""Call opus-soap with zeep in the Context model: python context.py URL KEYS ping, or ... post AMOUNT.

Nothing is signed: TLS tells who calls, and AuthorityContext for whom. `post` sends a voucher of two lines. A
last argument names another certificate than case-system, or is `none`. The exit status is 0 for an answer and
3 for a fault; all else is an exception.
"""

from __future__ import annotations

import sys

import requests
import zeep
from messages import context, voucher
from zeep.exceptions import Fault

MUNICIPALITY = "90810111"


def main(url: str, keys: str, operation: str, *rest: str) -> int:
    """Call, and tell what came."""
    amount, *named = rest if operation == "post" else ("", *rest)
    certificate = named[0] if named else "case-system"
    session = requests.Session()
    session.trust_env = False  # or REQUESTS_CA_BUNDLE counts for more than what is told here
    session.verify = f"{keys}/root.crt.pem"
    if certificate != "none":
        session.cert = (f"{keys}/{certificate}.crt.pem", f"{keys}/{certificate}.key.pem")
    transport = zeep.Transport(session=session)
    client = zeep.Client(f"{url}/service/OIR/FinansbilagModtag/1?wsdl", transport=transport)
    header = {**context(), "AuthorityContext": {"MunicipalityCVR": MUNICIPALITY}}
    try:
        if operation == "ping":
            answer = client.service.Ping(HovedOplysninger=header)
            print("TransaktionsId", answer.HovedOplysningerSvar.TransaktionsId)
            return 0
        answer = client.service.ModtagFinansbilag(HovedOplysninger=header, Posteringsbilag=[voucher(amount)])
    except Fault as fault:
        print("fault", fault.message)
        return 3
    print("PosteringskvitteringResultat", answer.Posteringskvittering[0].PosteringskvitteringResultat)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
