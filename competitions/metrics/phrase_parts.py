"""Parts of the regular expressions by which metrics are recognised in descriptions: see `Wording.phrases`."""

from __future__ import annotations

LOG = r"log(?:arithmic|arithm|ged|scaled)?"
ERROR = r"(?:prediction )?(?:errors?|deviations?|differences?|loss)"
OF = r"(?: of)?(?: the)?"
MEAN = rf"(?:mean|average){OF}"
RMS = rf"(?:root (?:of )?(?:the )?(?:mean|average)|mean root)s?{OF} squared?s?"
SHARE = r"(?:share|percentage|percent|fraction|proportion|ratio|number|rate|%)"
SOME = r"(?:[\w']+ ){0,6}"
F1 = r"f ?1(?: (?:scores?|measures?|metric))?"
LOG_LOSS = rf"(?:{LOG} ?loss(?:es)?|cross ?entropy(?: loss)?|negative log likelihood)"
ROC = r"(?:receiver operat(?:ing|or) (?:characteristics?|curve)|roc)"
MULTI_CLASS = r"(?:multi ?class(?:es)?(?: version of)?(?: the)?|multinomial|categorical|softmax)"
ONE_VS_REST = r"(?:one (?:vs\.?|versus) (?:the )?(?:rest|all)|ovr)"
AVERAGED = r"(?: averag\w+)?"
