"""Letters that look like a Latin letter or a digit but are another one, for reading what a person would read.

Made from Unicode's confusables (as packaged by confusable-homoglyphs, MIT) for single letters that compatibility
decomposition does not resolve, with the letters of faux Cyrillic, faux Greek and small capitals added. A letter that
stands for `l` as well as for `i` is listed under `1`, which stands for both. Nothing here decides what is refused.
"""

LOOK_ALIKES = {
    "1": "ΙІӀ۱ᛁ⏽Ⲓⲓⵏꓲ𐊊𐌉𐌠𖼨",
    "2": "ƧƨϨϩᒿꙄꙅꛯꝚꝛ",
    "3": "ƷȜȝɜʒЗзӠӡⳌⳍꝪꝫꞫ𑢪𑣊𖼻𝈆",
    "4": "Ꮞꮞ𑢯𑣏",
    "5": "Ƽ𑢻𑣛",
    "6": "ᏮⳒⳓꮾ𑣕",
    "7": "𐓒𐓺𑣆𝈒",
    "8": "Ȣȣ৪੪𐌚",
    "9": "৭੧୨൭ⳊⳋꝮꝯ𑢬𑢶𑣌𑣖",
    "a": "ɐɑΑΛαλАДадᎪᗅᴀ∀⍺ⱭⱯꓮꭺ𐊠𖽀",
    "b": "ƄƅʙΒβБВЪЬбвьᏏᏴᏼᑲᖯᗷꓐꞴꞵꮟ𐊂𐊡𐌁",
    "c": "ϲϹ©ƆɔϛСсᏟᴄↃↄⲤⲥꓚꮯ𐊢𐌂𐐕𐐽𐔜𑣩𑣲🝌",
    "d": "ÐðĐđƉɖΔδԀԁᎠᏧᑯᗞᗪᴅꓒꓓꭰꮷ",
    "e": "ƎǝɘΕΞΣεξЀЄЕЭеэѐєҼҽӘәᎬᴇ℮ⴹꓰꬲꭼ𐊆𑢦𑢮𑣎",
    "f": "ϜϝғՔքᖴẝꓝꜰꞘꞙꬵ𐊇𐊥𐔥𑢢𑣂𝈓",
    "g": "ƍɡɢԌԍՑցᏀᏳᏻᶃꓖꞬꮐ",
    "h": "ĦħʜΗЂЋНнђћңҥҺһӈՀհᎻᏂᕼⲎⲏꓧꮋꮒ𐋏",
    "i": "ıƗɨɩɪͺιЇіїӏᎥ⍳ꙆꙇꞮꭵ𑣃",
    "j": "ʝͿϳЈјᎫᒍᴊꓙꞲꭻ",
    "k": "ΚκКкҚқҝҟҡᏦᛕᴋⲔⲕꓗꮶ𐔘",
    "l": "ŁłƖƚǀȽɭʟлᏞᒪⳐⳑꓡꮮ𐐛𐑃𐔦𑢣𑢲𑣒𖼖𝈪",
    "m": "ΜϺϻМмᎷᗰᛖᴍⲘⲙꓟꮇ𐊰𐌑",
    "n": "ŊŋɴΝηИПипՈՌոռⲚⲛꓠ𐔓",
    "o": "ØøƟɵΘΟθοσОФофӨөՕօ۵०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᲿᴏᴑⲞⲟⵔ〇ꓳꬽ𐊒𐊫𐐄𐐬𐓂𐓪𐔖𑓐𑢨𑢵𑢷𑣈𑣗𑣠",
    "p": "ÞþƿǷΡρРрᏢᑭᴘ⍴Ⲣⲣꓑꮲ𐊕",
    "q": "ԚԛԳԶգզⵕ",
    "r": "ƦɹʀГЯгяҐґᎡᎱᏒᖇᴦⲄⲅꓣꭇꭈꭱꮁꮢ𐒴𐓜𖼵𝈖",
    "s": "ƽЅѕՏտᏕᏚꓢꜱꮥꮪ𐊖𐐠𐑈𑢡𑣁𖼺",
    "t": "ŦŧʇΤτТтᎢᴛⲦⲧꓔꞱꭲ𐊗𐊱𐌕𑢼𖼊🝨",
    "u": "ƱƲʊʋμυЦцՍսሀᑌᴜꓴꞞꞟꭎꭒ𐓎𐓶𑢸𑣘𖽂",
    "v": "νѴѵ۷Ꮩᐯᴠⴸꓦꛟꮩ𐔝𑜆𑢠𑣀𖼈𝈍",
    "w": "ƜɯʍΨΩψωШЩшщѠѡѿԜԝԱաᎳᏔᴡꓪꮃꮤ𑜊𑜎𑜏𑣦𑣯",
    "x": "ΧχЖХжхᕁᕽ᙭ᚷ╳ⲬⲭⵝꓫꞳꭓ𐊐𐊴𐌗𐌢𐔧𑣬",
    "y": "ƔɣʎʏΓΥγУЧучўҮүყᎩᎽᲧᶌỾỿⲨⲩꓬꭚꭹꮍ𐊲𑢤𑣜𖽃",
    "z": "ʐΖζᏃᴢꓜꮓ𐋵𑢩𑣄𑣉𑣥",
}
