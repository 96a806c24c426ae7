"""What postfix-mta-sts-resolver makes of each domain named: a line of JSON for each, {domain,
result, policy}. Its own code, as `mta-sts-query` calls it; many domains in one process.

    sts_resolver.py TIMEOUT_S DOMAIN…
"""

import asyncio
import json
import sys

from postfix_mta_sts_resolver.resolver import STSResolver


async def main(timeout, domains):
    resolver = STSResolver(loop=asyncio.get_running_loop(), timeout=timeout)

    async def look(domain):
        try:
            result, found = await resolver.resolve(domain)
            result = result.name
        except Exception as failure:  # what its daemon would log
            result, found = repr(failure), None
        print(json.dumps({"domain": domain, "result": result,
                          "policy": found[1] if found else None}), flush=True)

    await asyncio.gather(*map(look, domains))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2:]))
