"""What calls cost: sums over chains, agents, batches and tasks, and a limit to them.

The gateway states the price of each call, and `response_metadata["cost"]` holds it. A `CostTracker`
adds these prices up and guesses nothing: a call without a price is counted as one. Sums are made of
integer credits, so they are right to the credit however many calls there are.
"""

from langchain_aimlapi.cost.spend import Spend, UnpricedCall
from langchain_aimlapi.cost.tracker import CostTracker, SpendLimitExceeded

__all__ = ["CostTracker", "Spend", "SpendLimitExceeded", "UnpricedCall"]
