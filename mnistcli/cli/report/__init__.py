"""A report as one file for a browser, or as Markdown.

elements   HTML from Python, in which outside text cannot become markup
plots      curves as small SVG drawings
tables     the numbers, and the confusion matrix as a heat map
pictures   digits and weights as PNG inside the page
document   the whole page
markdown   the same for a README, without pictures

The page needs no script, no font and no network. Colours and sizes stand in page.css.
"""
